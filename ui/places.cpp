#include "ui/places.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace dream::ui {
namespace {

enum class Form {
  stack,   // right of the dream the real picture, the two small ones side by side below it
  column,  // right of the dream the real picture, right of that the small ones, one below the other
  below,   // all three in a row below the dream
  beside,  // the real picture alone, right of the dream
  under,   // the same, below the dream
  alone,
};

struct Plan {  // sizes as multiples of a frame's pixels
  Form form = Form::alone;
  bool figures = false;
  float dream = 0, real = 0, small = 0;
};

float whole(float scale) {
  const float floor = std::floor(scale);
  return floor >= 0.8f * scale ? floor : std::max(scale, 0.0f);
}

/// The real picture and the small ones beside a dream of this size; too small ones where there is no room.
Plan fill(const Room& room, Plan plan) {
  const float w = static_cast<float>(room.frame_width), h = static_cast<float>(room.frame_height), gap = room.gap;
  const float dream_width = plan.dream * w, dream_height = room.caption + plan.dream * h;
  const float aside = room.width - dream_width - gap - (plan.figures ? room.figures + gap : 0);
  const float row = room.coupling > 0 ? room.coupling + gap / 2 : 0;
  const float under = room.height - dream_height - gap / 2 - room.caption - row;
  const float most = plan.dream / 1.5f;  // the dream is the largest
  switch (plan.form) {
    case Form::stack:
      for (float real = whole(std::min(aside / w, most)); real > 0.2f; real = real > 1 ? real - 1 : real - 0.1f) {
        const float left = room.height - (2 * room.caption + real * h + row + gap / 2);
        const float small = whole(std::min({(aside - gap) / 2 / w, left / h, real}));
        if (small > plan.small) plan.real = real, plan.small = small;
        if (small * w >= room.least) break;
      }
      break;
    case Form::column:
      plan.small = whole(std::min(((room.height - gap / 2) / 2 - room.caption) / h, 0.5f * plan.dream));
      plan.real = whole(std::min({most, (aside - gap) / w - plan.small, (room.height - room.caption - row) / h}));
      plan.small = std::min(plan.small, plan.real);
      break;
    case Form::below:
      plan.real = plan.small = whole(std::min({most, (room.width - 2 * gap) / 3 / w, under / h}));
      break;
    case Form::beside:
      plan.real = whole(std::min({most, aside / w, (room.height - room.caption - row) / h}));
      break;
    case Form::under:
      plan.real = whole(std::min({most, room.width / w, under / h}));
      break;
    case Form::alone:
      break;
  }
  return plan;
}

bool good(const Room& room, const Plan& plan) {
  const float w = static_cast<float>(room.frame_width);
  if (plan.figures && plan.dream * w + room.gap + room.figures > room.width) return false;
  if (plan.form == Form::alone) return true;
  if (plan.real * w < room.least || plan.real < 0.4f * plan.dream) return false;
  return plan.form == Form::beside || plan.form == Form::under || plan.small * w >= room.least;
}

/// Every size that the dream may have, the largest first.
std::vector<float> sizes(float largest) {
  std::vector<float> all{whole(largest)};
  while (all.back() > 0.5f) all.push_back(all.back() > 3 ? std::ceil(all.back()) - 1 : all.back() - 0.25f);
  return all;
}

Plan best_plan(const Room& room) {
  const float largest = std::min(room.width / static_cast<float>(room.frame_width),
                                 (room.height - room.caption) / static_cast<float>(room.frame_height));
  std::vector<Plan> plans;
  for (const float dream : sizes(largest)) {
    for (const Form form : {Form::stack, Form::column, Form::below, Form::beside, Form::under, Form::alone}) {
      if (!room.small && form != Form::beside && form != Form::under && form != Form::alone) continue;
      for (const bool figures : {true, false}) {
        if (figures && room.figures <= 0) continue;
        const Plan plan = fill(room, {form, figures, dream});
        if (good(room, plan)) plans.push_back(plan);
      }
    }
  }
  const auto others = [](const Plan& plan) { return plan.form == Form::alone ? 0 : plan.small > 0 ? 2 : 1; };
  const auto largest_with = [&](int count) {
    float most = 0;
    for (const Plan& plan : plans)
      if (others(plan) >= count) most = std::max(most, plan.dream);
    return most;
  };
  // A dream alone would be larger still, but says less than one beside the truth.
  const float first = largest_with(1) > 0 ? largest_with(1) : largest_with(0);
  Plan best;
  float most = -1;
  for (const Plan& plan : plans) {
    if (plan.dream < (1 - room.given_up) * first || (first > 0 && largest_with(1) > 0 && others(plan) == 0)) continue;
    const float worth = 100.0f * static_cast<float>(others(plan)) + (plan.figures ? 50.0f : 0) +
                        (plan.dream + 0.2f * (plan.real + plan.small)) / std::max(largest, 0.01f);
    if (worth > most) most = worth, best = plan;
  }
  return best;
}

}  // namespace

Places arrange(const Room& room) {
  Places places;
  if (room.frame_width <= 0 || room.frame_height <= 0 || room.width <= 0 || room.height <= room.caption) return places;
  const Plan plan = best_plan(room);
  if (plan.form == Form::alone && room.coupling > 0) {  // the real picture before its controls
    Room without = room;
    without.coupling = 0;
    if (best_plan(without).form != Form::alone) return arrange(without);
  }
  const auto picture = [&](float x, float y, float scale) {
    return Place{x, y + room.caption, scale * static_cast<float>(room.frame_width),
                 scale * static_cast<float>(room.frame_height)};
  };
  const float gap = room.gap;
  Place& dream = places.dream;
  dream = picture(0, 0, plan.dream);
  float right = dream.right();  // of all that stands beside the figures
  const bool lower = plan.form == Form::below || plan.form == Form::under;
  if (plan.form != Form::alone)
    places.real = lower ? picture(0, dream.bottom() + gap / 2, plan.real) : picture(dream.right() + gap, 0, plan.real);
  const Place& real = places.real;
  if (real.shown() && room.coupling > 0) {
    places.coupling = {real.x, real.bottom() + gap / 2, lower ? room.width : real.width, room.coupling};
  }
  const float after_real = (places.coupling.shown() ? places.coupling : real).bottom() + gap / 2;
  if (plan.form == Form::stack) {
    places.reconstruction = picture(real.x, after_real, plan.small);
    places.difference = picture(places.reconstruction.right() + gap, after_real, plan.small);
  } else if (plan.form == Form::column) {
    places.reconstruction = picture(real.right() + gap, 0, plan.small);
    places.difference = picture(real.right() + gap, places.reconstruction.bottom() + gap / 2, plan.small);
  } else if (plan.form == Form::below) {
    places.reconstruction = picture(real.right() + gap, dream.bottom() + gap / 2, plan.small);
    places.difference = picture(places.reconstruction.right() + gap, dream.bottom() + gap / 2, plan.small);
  }
  if (!lower) right = std::max({right, real.right(), places.reconstruction.right(), places.difference.right()});
  if (plan.form == Form::stack && places.coupling.shown()) places.coupling.width = right - real.x;
  if (plan.figures) {
    const float x = right + gap;
    places.figures = {x, 0, room.width - x, lower ? dream.bottom() : room.height};
  }
  return places;
}

}  // namespace dream::ui
