include(${CMAKE_CURRENT_LIST_DIR}/host_headers.cmake)
host_headers(boost Boost::headers)
set(Boost_FOUND TRUE)
