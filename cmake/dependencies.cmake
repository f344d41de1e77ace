# Where every third-party piece comes from: system packages first, then the per-user cache that scripts/setup fills.
if(NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
  set(default_cache $ENV{XDG_CACHE_HOME}/dreamscope)
else()
  set(default_cache $ENV{HOME}/.cache/dreamscope)
endif()
set(DREAMSCOPE_CACHE ${default_cache} CACHE PATH "Downloads and the private environment, filled by scripts/setup")

find_program(ccache_program ccache)
if(ccache_program AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${ccache_program})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_C_COMPILER_LAUNCHER})
endif()

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(ZLIB REQUIRED)

include(torch)

find_package(HDF5 REQUIRED COMPONENTS C)
add_library(dreamscope_hdf5 INTERFACE)
target_include_directories(dreamscope_hdf5 SYSTEM INTERFACE ${HDF5_C_INCLUDE_DIRS})
target_link_libraries(dreamscope_hdf5 INTERFACE ${HDF5_C_LIBRARIES})

find_path(tomlplusplus_include toml++/toml.h REQUIRED)
add_library(dreamscope_toml INTERFACE)
target_include_directories(dreamscope_toml SYSTEM INTERFACE ${tomlplusplus_include})
find_path(cli11_include CLI/CLI.hpp REQUIRED)
add_library(dreamscope_cli11 INTERFACE)
target_include_directories(dreamscope_cli11 SYSTEM INTERFACE ${cli11_include})

# Films are written, and videos read, where these are there.
set(ffmpeg_libraries)
if(DREAMSCOPE_FFMPEG STREQUAL "AUTO")
  find_package(PkgConfig)
  if(PKG_CONFIG_FOUND)
    pkg_check_modules(ffmpeg IMPORTED_TARGET libavformat libavcodec libswscale libavutil)
  endif()
  if(TARGET PkgConfig::ffmpeg)
    set(ffmpeg_libraries PkgConfig::ffmpeg)
  endif()
endif()

if(DREAMSCOPE_UI)
  find_package(glfw3 REQUIRED)
  find_package(OpenGL REQUIRED)
  find_package(GIF REQUIRED)
  set(bundle ${DREAMSCOPE_CACHE}/imgui_bundle-1.93.0/external)
  set(imgui ${bundle}/imgui/imgui)
  function(dreamscope_imgui_target name)
    add_library(${name} STATIC
      ${imgui}/imgui.cpp ${imgui}/imgui_draw.cpp ${imgui}/imgui_tables.cpp ${imgui}/imgui_widgets.cpp
      ${imgui}/imgui_demo.cpp ${imgui}/imgui_stacklayout.cpp ${imgui}/misc/cpp/imgui_stdlib.cpp
      ${imgui}/backends/imgui_impl_glfw.cpp ${imgui}/backends/imgui_impl_opengl3.cpp
      ${bundle}/implot/implot/implot.cpp ${bundle}/implot/implot/implot_items.cpp)
    target_include_directories(${name} SYSTEM PUBLIC ${imgui} ${imgui}/backends ${imgui}/misc/cpp ${bundle}/implot/implot
                               ${bundle}/portable_file_dialogs)
    target_compile_options(${name} PRIVATE -w -O2 -g0)
    # ImPlot instantiates every plot for ten number types, which takes a minute to compile; ours are these two.
    target_compile_definitions(${name} PRIVATE "IMPLOT_CUSTOM_NUMERIC_TYPES=(float)(double)")
    target_link_libraries(${name} PUBLIC glfw OpenGL::GL ${CMAKE_DL_LIBS})
  endfunction()
  dreamscope_imgui_target(dreamscope_imgui)
endif()
