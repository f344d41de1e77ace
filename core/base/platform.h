#pragma once
#include <filesystem>
#include <string>

namespace dream {

// All calls to the operating system; a port replaces platform.cpp alone.

/// Gives the calling thread, and the threads it starts from then on, what processor time others leave.
void yield_to_others();
/// Names the calling thread in debuggers and `top`; at most 15 characters.
void name_thread(const std::string& name);

/// SIGINT and SIGTERM from now on only make interrupted() true, so that a run can save itself. A second one ends the
/// program at once.
void catch_interrupts();
bool interrupted();

/// The folder that holds the running program.
std::filesystem::path program_directory();
/// Where this user keeps settings ($XDG_CONFIG_HOME/dreamscope or its like). May not exist yet.
std::filesystem::path settings_directory();
/// True when standard error is a terminal that can redraw a line.
bool terminal_on_stderr();
/// The physical memory of this machine, bytes.
double memory_of_machine();

}  // namespace dream
