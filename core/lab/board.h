#pragma once
#include <optional>
#include <string>
#include <vector>

#include "api/lab.h"

namespace dream {

/// The numbers of several runs' answers as a table "board": one row a run, one column a number.
LabFigure board_of(const std::vector<LabAnswer>& answers, const std::vector<std::string>& names);

/// The tables `name` of several answers, of two columns each, side by side: one column a run, and only the rows in
/// which they differ. Nothing where none does.
std::optional<LabFigure> differences_in(const std::string& name, const std::vector<LabAnswer>& answers,
                                        const std::vector<std::string>& names);

}  // namespace dream
