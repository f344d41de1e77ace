#pragma once
#include <array>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "api/error.h"
#include "core/base/nearest.h"

namespace dream {

/// A setting with a few named values is an enum; the texts of files and of the command line are read into it once.
/// Its names stand beside it, in the order of its values, which count from 0:
///
///   enum class Latent { categorical, gaussian };
///   constexpr auto choice_names(Latent) { return names_of_choice("categorical", "gaussian"); }
///
/// and `config.add("world.latent", options.latent, {.help = …})` declares it like any other setting.
template <std::convertible_to<std::string_view>... Names>
constexpr std::array<std::string_view, sizeof...(Names)> names_of_choice(Names... names) {
  return {std::string_view(names)...};
}

template <class E>
concept NamedEnum = std::is_enum_v<E> && requires(E value) { choice_names(value).size(); };

template <NamedEnum E>
std::vector<std::string> names_of() {
  const auto names = choice_names(E{});
  return {names.begin(), names.end()};
}

/// "gaussian" for Latent::gaussian.
template <NamedEnum E>
std::string name_of(E value) {
  return std::string(choice_names(value).at(static_cast<std::size_t>(value)));
}

/// Latent::gaussian for "gaussian". Throws dream::Error, listing the names, for a text that is none of them.
template <NamedEnum E>
E choice_of(std::string_view name) {
  const auto names = choice_names(E{});
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<E>(i);
  }
  std::string all;
  for (const auto& known : names) all += (all.empty() ? "" : ", ") + std::string(known);
  const std::string near = nearest(std::string(name), names_of<E>());
  throw Error("'" + std::string(name) + "': one of " + all + " was expected" +
              (near.empty() ? "." : "; did you mean '" + near + "'?"));
}

}  // namespace dream
