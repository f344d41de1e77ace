#include "ui/gl.h"

#include "api/error.h"

namespace dream::ui {
namespace {

struct Found {
  const char* name;
  template <class Function>
  operator Function() const {
    const auto function = reinterpret_cast<Function>(glfwGetProcAddress(name));
    if (!function) throw Error(std::string("This graphics driver has no ") + name + ", which OpenGL 3.3 asks for.");
    return function;
  }
};

}  // namespace

const Gl& gl() {
  static const Gl all{
      Found{"glCreateShader"},      Found{"glShaderSource"},      Found{"glCompileShader"},
      Found{"glGetShaderiv"},       Found{"glGetShaderInfoLog"},  Found{"glDeleteShader"},
      Found{"glCreateProgram"},     Found{"glAttachShader"},      Found{"glGetAttribLocation"},
      Found{"glBindAttribLocation"}, Found{"glLinkProgram"},      Found{"glGetProgramiv"},
      Found{"glGetProgramInfoLog"}, Found{"glUseProgram"},        Found{"glDeleteProgram"},
      Found{"glGetUniformLocation"}, Found{"glUniform1i"},        Found{"glUniform1f"},
      Found{"glUniform2f"},         Found{"glUniform3f"},         Found{"glUniform4f"},
      Found{"glActiveTexture"},
  };
  return all;
}

}  // namespace dream::ui
