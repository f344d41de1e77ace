#pragma once
#include <GLFW/glfw3.h>  // and with it glext.h's types

namespace dream::ui {

/// What the picture shader needs of OpenGL 3.3 beyond 1.1. Needs a current context, once.
struct Gl {
  PFNGLCREATESHADERPROC create_shader;
  PFNGLSHADERSOURCEPROC shader_source;
  PFNGLCOMPILESHADERPROC compile_shader;
  PFNGLGETSHADERIVPROC get_shader;
  PFNGLGETSHADERINFOLOGPROC shader_log;
  PFNGLDELETESHADERPROC delete_shader;
  PFNGLCREATEPROGRAMPROC create_program;
  PFNGLATTACHSHADERPROC attach_shader;
  PFNGLGETATTRIBLOCATIONPROC attribute;
  PFNGLBINDATTRIBLOCATIONPROC bind_attribute;
  PFNGLLINKPROGRAMPROC link_program;
  PFNGLGETPROGRAMIVPROC get_program;
  PFNGLGETPROGRAMINFOLOGPROC program_log;
  PFNGLUSEPROGRAMPROC use_program;
  PFNGLDELETEPROGRAMPROC delete_program;
  PFNGLGETUNIFORMLOCATIONPROC uniform;
  PFNGLUNIFORM1IPROC set_int;
  PFNGLUNIFORM1FPROC set_float;
  PFNGLUNIFORM2FPROC set_vec2;
  PFNGLUNIFORM3FPROC set_vec3;
  PFNGLUNIFORM4FPROC set_vec4;
  PFNGLACTIVETEXTUREPROC active_texture;
};

const Gl& gl();

}  // namespace dream::ui
