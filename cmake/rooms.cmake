# A room of the house as a library, or a program. Its files are compiled in few translation units, `batch` to each: with
# Torch's headers, a translation unit costs more by itself than what most files hold. So names in anonymous namespaces
# must differ within a room. DREAMSCOPE_UNITY=OFF compiles every file alone, which finds includes that are missing.
function(dreamscope_batches target batch)
  if(DREAMSCOPE_UNITY AND batch GREATER 1)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${batch})
  endif()
  dreamscope_own(${target})
endfunction()

function(dreamscope_room target batch)
  file(GLOB sources CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR} ${ARGN})
  # Kernels and what is torch-free have libraries of their own.
  if(target STREQUAL dream_files)
    list(FILTER sources EXCLUDE REGEX "core/data/sequences")
  elseif(target STREQUAL dream_core)
    list(APPEND sources core/data/sequences.cpp)
    list(FILTER sources EXCLUDE REGEX "_kernel[.]cpp$")
  endif()
  add_library(${target} STATIC ${sources})
  dreamscope_batches(${target} ${batch})
endfunction()

function(dreamscope_program target batch)
  file(GLOB sources CONFIGURE_DEPENDS ${ARGN})
  add_executable(${target} ${sources})
  dreamscope_batches(${target} ${batch})
endfunction()
