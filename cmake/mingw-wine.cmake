# Programs for Windows on x86-64, built with MinGW-w64 (posix threads) and run under Wine.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_SYSTEM_VERSION 10.0)

set(CMAKE_CXX_COMPILER x86_64-w64-mingw32-g++-posix)
set(CMAKE_RC_COMPILER x86_64-w64-mingw32-windres)

set(CMAKE_FIND_ROOT_PATH /usr/x86_64-w64-mingw32)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# Boost and Catch2, of which this machine's headers do.
list(APPEND CMAKE_MODULE_PATH ${CMAKE_CURRENT_LIST_DIR}/host-headers)

# No libraries of the compiler's are looked for when a program starts.
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)

# Where LLVM's linker and archiver are, they do in a second what takes GNU's, which look for each of many thousand sections
# among all of them, one to three minutes for a program of the suite.
find_program(RILL_CLANG clang++-19)
find_program(RILL_LLD ld.lld-19)
find_program(RILL_LLVM_AR llvm-ar-19)
find_program(RILL_LLVM_RANLIB llvm-ranlib-19)
if(RILL_CLANG AND RILL_LLD AND RILL_LLVM_AR AND RILL_LLVM_RANLIB)
  set(CMAKE_AR ${RILL_LLVM_AR} CACHE FILEPATH "")
  set(CMAKE_RANLIB ${RILL_LLVM_RANLIB} CACHE FILEPATH "")
  set(CMAKE_USER_MAKE_RULES_OVERRIDE_CXX ${CMAKE_CURRENT_LIST_DIR}/mingw-lld.cmake)
endif()

set(CMAKE_CROSSCOMPILING_EMULATOR ${CMAKE_CURRENT_LIST_DIR}/wine-run)
