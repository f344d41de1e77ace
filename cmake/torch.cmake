# The target dreamscope_torch. A Torch that the user has (Torch_DIR, CMAKE_PREFIX_PATH, or the active Python's package,
# 2.4 or newer) wins; else the one in the private environment that scripts/setup made.
#
# The libraries are named one by one instead of through TorchConfig.cmake: that file asks for a whole CUDA toolkit as soon
# as the wheel was built with CUDA, although nothing of ours needs one, and links libtorch.so, which drags
# libtorch_cuda.so in on machines that have no GPU.
set(DREAMSCOPE_TORCH "" CACHE PATH "Folder of the Torch to use (holds include, lib and share); empty: look for one")

if(NOT DREAMSCOPE_TORCH OR NOT EXISTS ${DREAMSCOPE_TORCH}/lib/libtorch_cpu.so)
  set(torch_root "")
  find_program(DREAMSCOPE_PYTHON3 python3)
  if(DREAMSCOPE_PYTHON3)
    execute_process(COMMAND ${DREAMSCOPE_PYTHON3} ${CMAKE_SOURCE_DIR}/scripts/find_torch.py ${Torch_DIR} ${CMAKE_PREFIX_PATH}
                    OUTPUT_VARIABLE torch_found OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE torch_failed)
    if(NOT torch_failed)
      string(REGEX REPLACE " [^ ]*$" "" torch_root "${torch_found}")
    endif()
  endif()
  if(NOT torch_root)
    file(GLOB torch_stamps ${DREAMSCOPE_CACHE}/venv-torch-*/.complete)
    if(torch_stamps)
      list(SORT torch_stamps COMPARE NATURAL ORDER DESCENDING)
      list(GET torch_stamps 0 torch_stamp)
      get_filename_component(torch_venv ${torch_stamp} DIRECTORY)
      file(GLOB torch_root ${torch_venv}/lib/python3*/site-packages/torch)
    endif()
  endif()
  if(NOT torch_root)
    message(FATAL_ERROR "No Torch was found. Run scripts/setup, which downloads one, or pass -DTorch_DIR=... with the "
            "share/cmake/Torch folder of a LibTorch 2.4 or newer.")
  endif()
  set(DREAMSCOPE_TORCH ${torch_root} CACHE PATH "Folder of the Torch to use (holds include, lib and share)" FORCE)
endif()

# CUDA is linked when the wheel has it and every library it needs can be loaded here.
set(torch_with_cuda OFF)
if(EXISTS ${DREAMSCOPE_TORCH}/lib/libtorch_cuda.so)
  execute_process(COMMAND ldd ${DREAMSCOPE_TORCH}/lib/libtorch_cuda.so OUTPUT_VARIABLE torch_needs ERROR_QUIET
                  RESULT_VARIABLE torch_ldd_failed)
  if(NOT torch_ldd_failed AND NOT torch_needs MATCHES "not found")
    set(torch_with_cuda ON)
  endif()
endif()
message(STATUS "Torch: ${DREAMSCOPE_TORCH} (CUDA: ${torch_with_cuda})")

add_library(dreamscope_torch INTERFACE)
target_compile_options(dreamscope_torch INTERFACE -Wno-unused-parameter)
target_include_directories(dreamscope_torch SYSTEM INTERFACE ${DREAMSCOPE_TORCH}/include
                           ${DREAMSCOPE_TORCH}/include/torch/csrc/api/include)
# Libraries that the CUDA wheels load from beside themselves are found at run time through their own RPATH, which ld
# does not follow; they are not ours to resolve.
target_link_options(dreamscope_torch INTERFACE LINKER:--allow-shlib-undefined)
target_link_libraries(dreamscope_torch INTERFACE ${DREAMSCOPE_TORCH}/lib/libtorch_cpu.so ${DREAMSCOPE_TORCH}/lib/libc10.so)
if(torch_with_cuda)
  # Nothing of ours names a symbol of these two; loading them is what registers the device.
  target_link_libraries(dreamscope_torch INTERFACE -Wl,--no-as-needed ${DREAMSCOPE_TORCH}/lib/libtorch_cuda.so
                        ${DREAMSCOPE_TORCH}/lib/libc10_cuda.so -Wl,--as-needed)
endif()
