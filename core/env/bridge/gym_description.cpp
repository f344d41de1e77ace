#include "core/env/bridge/gym_description.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "api/error.h"

namespace dream {

GymDescription read_gym_description(const std::string& name, const std::string& text) {
  try {
    const auto said = nlohmann::json::parse(text);
    GymDescription all;
    Spaces& spaces = all.spaces;
    if (const auto& picture = said.at("picture"); !picture.empty()) {
      spaces.image_height = picture.at(0), spaces.image_width = picture.at(1), spaces.image_channels = picture.at(2);
    }
    spaces.vector_names = said.at("numbers").get<std::vector<std::string>>();
    spaces.states = said.at("states");
    spaces.natural_rate = said.at("rate");
    spaces.max_episode_steps = said.at("limit");
    ActionSpace& action = spaces.action;
    action.choices = said.at("choices").get<std::vector<std::string>>();
    if (action.discrete()) {
      action.axes = {"choice"}, action.low = {0}, action.high = {static_cast<float>(action.choices.size() - 1)};
      action.idle = {said.at("idle").get<float>()};
    }
    for (const auto& axis : said.at("axes")) {
      action.axes.push_back(axis.at(0));
      action.low.push_back(axis.at(1)), action.high.push_back(axis.at(2)), action.idle.push_back(axis.at(3));
    }
    for (const auto& key : said.at("keys")) action.keys.push_back({key.at(0), key.at(1), key.at(2), key.at(3)});
    all.left_out = said.at("left_out").get<std::vector<std::string>>();
    all.renders = said.at("renders"), all.pixels = said.at("pixels");
    all.memory = said.at("memory"), all.action_at = said.at("action_at");
    all.vector_at = said.at("vector_at"), all.picture_at = said.at("picture_at");
    return all;
  } catch (const nlohmann::json::exception& error) {
    throw Error(fmt::format("{}: its description is damaged ({}).", name, error.what()));
  }
}

}  // namespace dream
