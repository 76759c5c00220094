# cmake -DROOT=DIR -DFILES="a|b" -DLIBRARIES="x 1|y 2" -DOUTPUT=FILE -P scanner_version.cmake
#
# Facts that are kept may not outlive the code that found them, and a number bumped by hand would
# be forgotten. So the scanner's version is a hash of its sources, and of the versions of those
# libraries whose answers become facts: the same in every build directory.
string(REPLACE "|" ";" files "${FILES}")
list(SORT files)
set(text "${LIBRARIES}\n")
foreach(file ${files})
  file(SHA256 "${ROOT}/${file}" hash)
  string(APPEND text "${hash} ${file}\n")
endforeach()
string(SHA256 version "${text}")
file(WRITE "${OUTPUT}" "constexpr char kScannerSources[] = \"${version}\";\n")
