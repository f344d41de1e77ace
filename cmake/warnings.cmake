# Flags for our own targets; third-party targets keep their own.
function(dreamscope_own target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow=local -Wno-subobject-linkage -Wnon-virtual-dtor -Woverloaded-virtual)
  if(DREAMSCOPE_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(DREAMSCOPE_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${DREAMSCOPE_SANITIZE} -fno-omit-frame-pointer)
    if(DREAMSCOPE_SANITIZE STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      target_compile_options(${target} PRIVATE -Wno-error=tsan)  # Torch's headers have fences, which it does not follow
    endif()
    target_link_options(${target} PUBLIC -fsanitize=${DREAMSCOPE_SANITIZE})
  endif()
endfunction()
