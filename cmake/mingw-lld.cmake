# gcc knows LLVM's linker by another name than Debian's, so that clang calls it; what it is given is gcc's.
set(CMAKE_CXX_LINK_EXECUTABLE "${RILL_CLANG} --target=x86_64-w64-windows-gnu -fuse-ld=lld <CMAKE_CXX_LINK_FLAGS> \
<LINK_FLAGS> <OBJECTS> -o <TARGET> <LINK_LIBRARIES> -lpthread")
