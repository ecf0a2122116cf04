# Catch2 2, which is one header.
include(${CMAKE_CURRENT_LIST_DIR}/host_headers.cmake)
host_headers(catch2 Catch2::Catch2)
set(Catch2_FOUND TRUE)
