# Files as part of the program.
#
#   posthorn_embed(room_management console_files console/index.html console/console.css)
#
# writes console_files.cc, which defines what "embedded.h" of that room declares: the texts by file name.
if(CMAKE_SCRIPT_MODE_FILE)  # run at build time
    set(text "#include \"embedded.h\"\n\nnamespace posthorn {\n\nconst std::vector<EmbeddedFile>& ${NAME}() {\n")
    string(APPEND text "    static const std::vector<EmbeddedFile> files{\n")
    foreach(file IN LISTS FILES)
        get_filename_component(base ${file} NAME)
        file(READ ${file} content HEX)
        string(REGEX REPLACE "(..)" "\\\\x\\1" content "${content}")
        # A literal of its own for every 120 bytes: no line is too long for anybody.
        string(REGEX REPLACE "(${EVERY})" "\\1\"\n         \"" content "${content}")
        file(SIZE ${file} size)
        string(APPEND text "        {\"${base}\",\n         {\"${content}\",\n          ${size}}},\n")
    endforeach()
    string(APPEND text "    };\n    return files;\n}\n\n}  // namespace posthorn\n")
    file(WRITE ${OUT} "${text}")
    return()
endif()

function(posthorn_embed target name)
    set(files)
    foreach(file IN LISTS ARGN)
        list(APPEND files ${CMAKE_SOURCE_DIR}/${file})
    endforeach()
    set(out ${CMAKE_CURRENT_BINARY_DIR}/${name}.cc)
    string(REPEAT "...." 120 every)
    add_custom_command(OUTPUT ${out}
        COMMAND ${CMAKE_COMMAND} -DNAME=${name} "-DFILES=${files}" -DOUT=${out} -DEVERY=${every}
            -P ${CMAKE_SOURCE_DIR}/cmake/Embed.cmake
        DEPENDS ${files} ${CMAKE_SOURCE_DIR}/cmake/Embed.cmake VERBATIM)
    target_sources(${target} PRIVATE ${out})
endfunction()
