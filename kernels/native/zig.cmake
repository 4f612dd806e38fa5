# Choose the compiler of the ziglang wheel and, from the wheel's platform, its target.
find_package(Python3 QUIET COMPONENTS Interpreter)
execute_process(
  COMMAND ${Python3_EXECUTABLE} -c "import os, ziglang; print(os.path.join(os.path.dirname(ziglang.__file__), 'zig'))"
  OUTPUT_VARIABLE zig OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed ERROR_QUIET)
if(failed)
  message(FATAL_ERROR "The reference compiler is missing: pip install ziglang, or set CC=gcc.")
endif()

cmake_host_system_information(RESULT arch QUERY OS_PLATFORM)
if("$ENV{_PYTHON_HOST_PLATFORM}" MATCHES "(aarch64|x86_64)$" AND NOT arch STREQUAL CMAKE_MATCH_1)
  set(arch ${CMAKE_MATCH_1})
  set(CMAKE_SYSTEM_NAME Linux)
  set(CMAKE_SYSTEM_PROCESSOR ${arch})
endif()
# glibc 2.28 is the floor of the manylinux_2_28 wheels.
set(CMAKE_C_COMPILER "${zig}" cc -target ${arch}-linux-gnu.2.28)
set(ARMBENCH_FLAGS_OF zig)
