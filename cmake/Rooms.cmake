# A room is one library target. It exposes only src/<room>/include, so a file that includes a room it
# does not depend on does not compile: the ladder in docs/ARCHITECTURE.md is kept by the compiler.
#
#   posthorn_room(wire/remoting DEPENDS base LIBRARIES isal)
#
# WITHOUT names files that are left out: those about a gateway this build does not have.
#
# makes the target room_wire_remoting from src/wire/remoting/*.cc (but main.cc) and, unless POSTHORN_TESTS is
# off, the test program test_wire_remoting from src/wire/remoting/*_test.cc.

function(posthorn_room name)
    cmake_parse_arguments(ROOM "" "" "DEPENDS;LIBRARIES;TEST_DEPENDS;WITHOUT" ${ARGN})
    string(REPLACE "/" "_" id ${name})
    set(dir ${CMAKE_SOURCE_DIR}/src/${name})

    file(GLOB sources CONFIGURE_DEPENDS ${dir}/*.cc)
    list(TRANSFORM ROOM_WITHOUT PREPEND ${dir}/)
    list(REMOVE_ITEM sources ${ROOM_WITHOUT} "")
    set(tests ${sources})
    list(FILTER sources EXCLUDE REGEX "(_test|/main)\\.cc$")
    list(FILTER tests INCLUDE REGEX "_test\\.cc$")

    set(links)
    foreach(room IN LISTS ROOM_DEPENDS)
        string(REPLACE "/" "_" room ${room})
        list(APPEND links room_${room})
    endforeach()

    if(sources)
        add_library(room_${id} STATIC ${sources})
        target_include_directories(room_${id} PUBLIC ${dir}/include PRIVATE ${dir})
        target_link_libraries(room_${id} PUBLIC ${links} ${ROOM_LIBRARIES} PRIVATE posthorn_warnings)
    else()
        add_library(room_${id} INTERFACE)
        target_include_directories(room_${id} INTERFACE ${dir}/include)
        target_link_libraries(room_${id} INTERFACE ${links} ${ROOM_LIBRARIES})
    endif()

    if(tests AND POSTHORN_TESTS)
        set(test_links)
        foreach(room IN LISTS ROOM_TEST_DEPENDS)
            string(REPLACE "/" "_" room ${room})
            list(APPEND test_links room_${room})
        endforeach()
        add_executable(test_${id} ${tests})
        target_include_directories(test_${id} PRIVATE ${dir})
        target_link_libraries(test_${id} PRIVATE room_${id} ${test_links} posthorn_warnings GTest::gmock GTest::gtest_main)
        gtest_discover_tests(test_${id} TEST_PREFIX "${name}:" DISCOVERY_TIMEOUT 60)
    endif()
endfunction()
