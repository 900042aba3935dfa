#include "report/html.h"

#include "base/error.h"
#include "base/text.h"
#include "report/page.h"

namespace dtbench {
namespace {

// JSON inside a script element: "<" begins neither its end nor a comment. Bytes that are no UTF-8
// become U+FFFD.
void put_json(std::string& html, const Json& value) {
  for (const char c : json_text(value)) {
    if (c == '<')
      html += "\\u003c";
    else
      html += c;
  }
}

// All but the settings: what the page shows of them stands in the rows.
void put_data(std::string& html, const Json& data) {
  char before = '{';
  for (const auto& [name, value] : data.items()) {
    if (name == "settings") continue;
    html += before;
    put_json(html, name);
    html += ':';
    put_json(html, value);
    before = ',';
  }
  html += '}';
}

std::string escaped(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (c == '<')
      safe += "&lt;";
    else if (c == '&')
      safe += "&amp;";
    else
      safe += c;
  }
  return safe;
}

void put(std::string& html, std::string_view name, const Json& data) {
  if (name == "style") {
    html += page_style();
  } else if (name == "plot library") {
    html += plot_library();
  } else if (name == "scripts") {
    for (const std::string_view script : page_scripts())
      html += script;
  } else if (name == "data") {
    put_data(html, data);
  } else if (name == "answer") {
    html += escaped(data.at("answer"));
  } else {
    throw std::logic_error(concat("report.html asks for '", name, "'"));
  }
}

}  // namespace

std::string html_report(const Json& data) {
  std::string html;
  std::string_view rest = page_template();
  for (std::size_t begin; (begin = rest.find("{{")) != std::string_view::npos;) {
    html += rest.substr(0, begin);
    const std::size_t end = rest.find("}}", begin);
    put(html, rest.substr(begin + 2, end - begin - 2), data);
    rest = rest.substr(end + 2);
  }
  return html += rest;
}

}  // namespace dtbench
