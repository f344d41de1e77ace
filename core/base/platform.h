#pragma once
#include <atomic>
#include <filesystem>
#include <string>

namespace dream {

// All calls to the operating system are in platform.cpp, platform_file.cpp (durable_file.h), platform_isolated.cpp
// (isolated.h), platform_process.cpp and platform_socket.cpp (local_server.h): a port replaces these five.

/// Gives the calling thread, and the threads it starts from then on, what processor time others leave.
void lower_thread_priority();
/// Names the calling thread in debuggers and `top`; at most 15 characters.
void name_thread(const std::string& name);

/// Keeps freed memory for the next use instead of giving it back to the system: a training step allocates and frees the
/// same hundreds of megabytes, and faulting their pages in anew can cost more than the arithmetic. Call it first in
/// main.
void keep_freed_memory();

/// SIGINT, SIGTERM, SIGHUP (the terminal is gone; unless it was to be ignored, as under nohup) and SIGPIPE (nobody
/// reads what is printed) from now on only make interrupted() true, so that a run can save itself. Another SIGINT or
/// SIGTERM, later than half a second after the first, ends the program at once. A file that grows past its limit
/// becomes an error of writing.
void catch_interrupts();
bool interrupted();
int interrupt_signal();                     // the first that came; 0: none
const std::atomic<bool>& interrupt_flag();  // the same, for those who poll it themselves

/// The folder that holds the running program.
std::filesystem::path program_directory();
/// Where this user keeps settings ($XDG_CONFIG_HOME/dreamscope or its like). May not exist yet.
std::filesystem::path settings_directory();
/// What scripts/setup fills: downloads and Python environments ($XDG_CACHE_HOME/dreamscope or its like). May not exist yet.
std::filesystem::path cache_directory();
/// $HOME, or its like; empty when none is known.
std::string home_directory();
/// True when somebody can be asked on standard input.
bool terminal_on_stdin();
/// True when standard error is a terminal that can redraw a line.
bool terminal_on_stderr();
/// The name of this machine, or "localhost".
std::string host_name();
/// Processor time that all threads of this program have taken so far.
double processor_seconds();
/// The physical memory of this machine, bytes.
double memory_of_machine();

}  // namespace dream
