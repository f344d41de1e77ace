# The window: fonts and shaders compiled into the program, and the dream_ui library. The tests build the library a second time
# against an ImGui with the Test Engine's hooks (its licence is for tests only, so the program never links it).
find_file(dejavu_sans DejaVuSans.ttf PATHS /usr/share/fonts/truetype/dejavu /usr/share/fonts/TTF
          /usr/share/fonts/dejavu-sans-fonts /usr/local/share/fonts NO_DEFAULT_PATH)
if(NOT dejavu_sans)
  message(FATAL_ERROR "DejaVuSans.ttf was not found; the window takes its symbols from it. Install the package "
          "fonts-dejavu-core, or pass -Ddejavu_sans=/path/to/DejaVuSans.ttf.")
endif()
set(bundled_fonts ${DREAMSCOPE_CACHE}/imgui_bundle-1.93.0/bindings/imgui_bundle/assets/fonts)
set(font_text ${bundled_fonts}/Roboto/Roboto-Regular.ttf)
set(font_bold ${bundled_fonts}/Roboto/Roboto-Bold.ttf)
set(font_icons ${bundled_fonts}/Font_Awesome_6_Free-Solid-900.otf)
set(font_mono
    ${DREAMSCOPE_CACHE}/imgui_bundle-1.93.0/external/imgui_test_engine/imgui_test_engine/imgui_test_suite/assets/fonts/NotoSansMono-Regular.ttf)

set(shaders ${CMAKE_SOURCE_DIR}/shaders)

add_executable(dreamscope_embed ${CMAKE_SOURCE_DIR}/cmake/embed.cpp)
set(embedded_cpp ${CMAKE_BINARY_DIR}/generated/embedded.cpp)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/generated)
add_custom_command(OUTPUT ${embedded_cpp}
  COMMAND dreamscope_embed ${embedded_cpp} text=${font_text} bold=${font_bold} mono=${font_mono}
          symbols=${dejavu_sans} icons=${font_icons} picture_vertex=${shaders}/picture.vert
          picture_fragment=${shaders}/picture.frag
  DEPENDS dreamscope_embed ${font_text} ${font_bold} ${font_mono} ${dejavu_sans} ${font_icons} ${shaders}/picture.vert
          ${shaders}/picture.frag
  COMMENT "Embedding fonts and shaders" VERBATIM)
add_library(dreamscope_embedded STATIC ${embedded_cpp})
target_include_directories(dreamscope_embedded PRIVATE ${CMAKE_SOURCE_DIR})

find_path(stb_include stb/stb_image_write.h REQUIRED)

file(GLOB ui_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/ui/*.cpp ${CMAKE_SOURCE_DIR}/ui/panels/*.cpp
     ${CMAKE_SOURCE_DIR}/ui/viewers/*.cpp ${CMAKE_SOURCE_DIR}/ui/lesson/*.cpp ${CMAKE_SOURCE_DIR}/ui/record/*.cpp)
if(TARGET PkgConfig::ffmpeg)
  list(FILTER ui_sources EXCLUDE REGEX "/no_mp4[.]cpp$")
else()
  list(FILTER ui_sources EXCLUDE REGEX "/mp4[.]cpp$")
endif()
function(dreamscope_ui_target name imgui)
  add_library(${name} STATIC ${ui_sources})
  dreamscope_batches(${name} 9)
  target_link_libraries(${name} PUBLIC dream_api ${imgui} PRIVATE dream_answers dreamscope_embedded dreamscope_toml
                        Threads::Threads GIF::GIF ${ffmpeg_libraries})
  target_include_directories(${name} SYSTEM PRIVATE ${stb_include})
endfunction()
