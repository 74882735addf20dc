# Writes a C++ file that holds a CUDA source as a string, with its includes inlined: the addon opens no
# file at run time.
#   cmake -DSOURCE=… -DNAME=… -DOUT=… -P embed.cmake
cmake_minimum_required(VERSION 3.18)

# Includes are by their paths from native/.
get_filename_component(ROOT "${CMAKE_CURRENT_LIST_DIR}/../../.." REALPATH)

# The text of a file, with the files that it includes by "…" in their places, each once.
function(read_whole FILE RESULT)
  get_filename_component(FILE "${FILE}" REALPATH)
  get_property(SEEN GLOBAL PROPERTY SEEN)
  if(FILE IN_LIST SEEN)
    set(${RESULT} "" PARENT_SCOPE)
    return()
  endif()
  set_property(GLOBAL APPEND PROPERTY SEEN "${FILE}")
  file(READ "${FILE}" TEXT)
  string(REPLACE "#pragma once\n" "" TEXT "${TEXT}")
  while(TEXT MATCHES "#include \"([^\"]+)\"")
    set(LINE "${CMAKE_MATCH_0}")
    read_whole("${ROOT}/${CMAKE_MATCH_1}" INCLUDED)
    string(REPLACE "${LINE}" "${INCLUDED}" TEXT "${TEXT}")
  endwhile()
  set(${RESULT} "${TEXT}" PARENT_SCOPE)
endfunction()

read_whole("${SOURCE}" TEXT)
file(WRITE "${OUT}" "namespace torchgraft {

extern const char ${NAME}[];
const char ${NAME}[] = R\"CUDA(${TEXT})CUDA\";

}  // namespace torchgraft
")
