#pragma once
#include <string>
#include <vector>

#include "api/lab.h"

namespace dream {

// What of the laboratory is written down for people and their scripts. Numbers that cannot be told are left empty in
// tables and null in JSON.

/// A figure as a table (RFC 4180): a curve's points with their bands, a map's points with their colours, a table's rows
/// …; with moments, each line says where it comes from. Empty for pictures.
std::string figure_as_csv(const LabFigure& figure);
/// The numbers of answers, a line each: run,question,number,value,low,high,unit.
std::string answers_as_csv(const std::vector<LabAnswer>& answers);
/// A list of whole answers; of pictures their sizes.
std::string answers_as_json(const std::vector<LabAnswer>& answers);

}  // namespace dream
