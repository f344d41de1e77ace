# Read by ctest itself: one entry for each suite of ${PROGRAM}, since starting a program that loads Torch takes longer than
# most tests. `ctest -R SUITE` picks one; the program's own --gtest_filter picks a test.
execute_process(COMMAND ${PROGRAM} --gtest_list_tests OUTPUT_VARIABLE listed RESULT_VARIABLE failed)
if(failed)
  add_test(${NAME}_cannot_list_its_tests ${PROGRAM} --gtest_list_tests)
endif()
string(REGEX MATCHALL "(^|\n)[A-Za-z0-9_/]+[.]" suites "${listed}")
foreach(suite IN LISTS suites)
  string(STRIP "${suite}" suite)
  string(REGEX REPLACE "[.]$" "" suite "${suite}")
  add_test(${suite} ${PROGRAM} --gtest_filter=${suite}.*)
  # Those that take long begin first, so that no processor waits for the last of them.
  if(suite MATCHES "^(CliTest|CliEndsTest|Layouts|Sliders|DreamerTest|Panels|RssmTest|VmcData|VmcOnACard|Shipped/LiveLesson)$")
    set(cost 30)
  else()
    set(cost 1)
  endif()
  set_tests_properties(${suite} PROPERTIES TIMEOUT 900 COST ${cost})
endforeach()
