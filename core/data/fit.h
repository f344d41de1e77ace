#pragma once
#include <functional>
#include <string>

#include "core/data/dataset.h"

namespace dream {

/// What of an episode is learned from. What is not may be missing in given ones.
struct Needs {
  bool pictures = true, vectors = true, actions = true;
};

/// What becomes of a dataset's episodes before they are learned from.
struct Fit {
  std::string refusal;                     // why nobody can learn from them here, as it goes on after the folder's name; "" = can
  std::string note;                        // what is done to them, likewise: "holds pictures of 96 × 96 …, which are resized"
  std::function<void(Episode&)> apply = {};  // empty: nothing
  bool acted = true;                         // the actions are the data's own, not filled in
};
using Fitting = std::function<Fit(const DatasetInfo&)>;

/// To the shapes of the world `environment`, whose spaces these are. Pictures of another size are resized (Resizer), greys
/// become colours and colours greys (ITU-R BT.601). Pictures that are missing and not needed are all black, which a viewing
/// decoder takes for none; such vectors are zeros, and actions that are missing or others, and not
/// needed, are idle ones. Otherwise numbers of vectors and actions must agree, and bounds of actions where both sides know them.
Fitting fit_to(const Spaces& wanted, const std::string& environment, Needs needs = {});

}  // namespace dream
