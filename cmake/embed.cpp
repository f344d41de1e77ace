// Build-time tool: writes files into a C++ source as arrays, so that the program needs no path of the machine that
// built it. Usage: embed OUT.cpp name=path ...
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  std::ofstream out(argv[1]);
  out << "#include <cstdint>\n#include \"ui/embedded.h\"\nnamespace dream::ui {\nnamespace {\n";
  std::string table;
  for (int i = 2; i < argc; ++i) {
    const std::string argument = argv[i];
    const std::size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals), path = argument.substr(equals + 1);
    std::ifstream in(path, std::ios::binary);
    if (!in) {
      std::fprintf(stderr, "embed: cannot read %s\n", path.c_str());
      return 1;
    }
    std::vector<char> bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const std::size_t size = bytes.size();
    bytes.resize((size + 7) / 8 * 8);
    out << "const std::uint64_t data_" << name << "[] = {";  // words: eight times fewer tokens to compile than bytes
    for (std::size_t at = 0; at < bytes.size(); at += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data() + at, 8);
      out << (at % 128 ? "" : "\n") << word << "u,";
    }
    out << "};\n";
    table += "  if (name == \"" + name + "\") return {data_" + name + ", " + std::to_string(size) + "};\n";
  }
  out << "}  // namespace\nEmbeddedFile embedded_file(std::string_view name) {\n" << table << "  return {};\n}\n}\n";
  return out.good() ? 0 : 1;
}
