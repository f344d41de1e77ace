#pragma once
#include <string>

#include "api/lab.h"

namespace dream::ui {

// What of the laboratory is written down. Numbers that cannot be told are left empty in tables and null in JSON.

/// A figure as a table (RFC 4180): a curve's points with their bands, a map's points with their colours, a table's rows …;
/// with moments, each line says where it comes from. Empty for pictures.
std::string csv_of(const LabFigure& figure);
/// The numbers of an answer, a line each: run,question,number,value,low,high,unit.
std::string csv_of(const LabAnswer& answer);
/// The whole answer, as the command line writes it; of pictures their sizes.
std::string json_of(const LabAnswer& answer);

}  // namespace dream::ui
