# host_headers(folder target): an imported target for the headers that this machine has in <include>/folder. Not
# <include> itself, which has those of its own system, too.
function(host_headers folder target)
  find_path(${folder}_host_include ${folder} PATHS /usr/local/include /usr/include NO_DEFAULT_PATH
            NO_CMAKE_FIND_ROOT_PATH REQUIRED)
  mark_as_advanced(${folder}_host_include)
  set(only ${CMAKE_BINARY_DIR}/host-headers/${folder})
  file(MAKE_DIRECTORY ${only})
  file(CREATE_LINK ${${folder}_host_include}/${folder} ${only}/${folder} SYMBOLIC)
  add_library(${target} INTERFACE IMPORTED)
  target_include_directories(${target} SYSTEM INTERFACE ${only})
endfunction()
