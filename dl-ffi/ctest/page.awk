# Makes a program of the C++ of a page: the block with main as it stands, and each other one as a function, with what the page speaks of
# as its parameters, so that all of them compile.

/^```cpp$/ { code = 1; block = ""; next }
/^```$/ && code {
  code = 0
  if (block ~ /int main\(/) {
    whole = whole block
  } else {
    parts = parts "void part_" ++count "([[maybe_unused]] dl::writer &writer, [[maybe_unused]] const std::string &uri,\n" \
      "            [[maybe_unused]] const std::vector<std::string> &orders) {\n" block "}\n"
  }
  next
}
code { block = block $0 "\n" }
END { printf "#include <vector>\n%s%s", whole, parts }
