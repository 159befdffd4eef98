// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "data/published_layouts.hpp"

#include <nopal/core/error.hpp>

#include <algorithm>
#include <optional>
#include <sstream>

namespace nopal::detail {

std::int64_t PublishedPart::extent(char role) const {
  std::int64_t product = 1;
  for (std::size_t a = 0; a < roles.size(); ++a)
    if (roles[a] == role) product *= shape[a];
  return product;
}

std::int64_t PublishedPart::stride(char role) const {
  const auto axis = roles.find_last_of(role);
  if (axis == std::string::npos) return 0;
  std::int64_t product = 1;
  for (std::size_t a = axis + 1; a < shape.size(); ++a)
    product *= shape[a];
  return product;
}

namespace {

using Parts = std::vector<PublishedPart>;

constexpr std::size_t longest_names = 4096;  // of attributes

std::string text_of(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const std::int64_t n : shape)
    text += (text.empty() ? "" : ", ") + std::to_string(n);
  return "(" + text + ")";
}

// `before`, axes of space, `after`.
std::string roles_of(const char* before, std::size_t axes, const char* after = "") {
  std::string roles(before);
  roles.append("012", std::min<std::size_t>(axes, 3));
  return roles.append(after);
}

PublishedPart part(const FileArray& array, std::string roles, const std::string& name = "") {
  return {{array.name}, array.shape, std::move(roles), name.empty() ? array.name : name};
}

// What the layouts below find: variables in time, those that stay, or inputs and outputs.
struct Found {
  std::string name;
  Parts series, constants, x, y;
};

// The roles of an array (N, [C,] X, ..., [C]) in `dimension` axes of space, 0: as many as there can
// be.
std::string pair_roles(const ArrayFile& file, const FileArray& array,
                       const PublishedOptions& options) {
  const auto rank = static_cast<std::int64_t>(array.shape.size());
  const std::int64_t d =
      options.dimension > 0 ? options.dimension : (rank <= 3 ? rank - 1 : rank - 2);
  NOPAL_CHECK(d >= 1 && d <= 3 && (rank == d + 1 || rank == d + 2), file.path(), ": ",
              printable(array.name), " of shape ", text_of(array.shape),
              " does not hold fields in ", d,
              " dimensions: expected (N, X1, ..., Xd) or, with channels, one axis more");
  std::string roles = roles_of("N", static_cast<std::size_t>(d));
  if (rank == d + 2) roles.insert(options.channels_first ? 1 : roles.size(), "C");
  return roles;
}

std::optional<Found> named(const ArrayFile& file, const PublishedOptions& options) {
  std::string x = options.x_array, y = options.y_array;
  if (x.empty() && y.empty()) {
    if (!file.find("x") || !file.find("y")) return {};
    x = "x";
    y = "y";
  }
  NOPAL_CHECK(!x.empty() && !y.empty(), file.path(), ": expected the names of both arrays, inputs ",
              "and outputs, got ", x.empty() ? "those of the outputs" : "those of the inputs",
              " only");
  Found found;
  found.name = "pairs";
  found.x = {part(file.at(x), pair_roles(file, file.at(x), options))};
  found.y = {part(file.at(y), pair_roles(file, file.at(y), options))};
  return found;
}

std::optional<Found> the_well(const ArrayFile& file, const PublishedOptions&) {
  Found found;
  found.name = "The Well";
  const auto attribute = [&](const std::string& name) {
    const auto entry = file.attributes().find(name);
    return entry == file.attributes().end() ? std::string() : entry->second;
  };
  for (int order = 0; order <= 2; ++order) {
    const std::string group = "t" + std::to_string(order) + "_fields";
    // In the order that the group gives, else that of the file.
    std::vector<std::string> names;
    std::istringstream listed(attribute(group + "@field_names"));
    for (std::string word; listed >> word;)
      names.push_back(word);
    if (names.empty())
      for (const FileArray& array : file.arrays())
        if (array.name.starts_with(group + "/"))
          names.push_back(array.name.substr(group.size() + 1));
    for (const std::string& name : names) {
      const FileArray& array = file.at(std::string(group).append("/").append(name));
      const std::string where = array.name + "@";
      std::string roles;
      if (attribute(where + "sample_varying") != "false") roles += "N";
      if (attribute(where + "time_varying") != "false") roles += "T";
      std::istringstream varying(attribute(where + "dim_varying"));
      std::size_t axes = 0;
      bool listed_axes = false;
      for (std::string word; varying >> word; ++axes) {
        listed_axes = true;
        if (word != "false" && word != "0" && axes < 3) roles += "012"[axes];
      }
      if (!listed_axes)
        roles =
            roles_of(roles.c_str(),
                     array.shape.size() - std::min(array.shape.size(),
                                                   roles.size() + static_cast<std::size_t>(order)));
      roles += std::string(static_cast<std::size_t>(order), 'C');
      NOPAL_CHECK(roles.size() == array.shape.size(), file.path(), ": ", printable(array.name),
                  " of shape ", text_of(array.shape),
                  " does not have the axes that its attributes ",
                  "sample_varying, time_varying and dim_varying say, ", roles.size());
      PublishedPart p = part(array, roles, name);
      (p.has('T') ? found.series : found.constants).push_back(std::move(p));
    }
  }
  if (found.series.empty()) return {};
  return found;
}

// A group for each sample.
std::optional<Found> pdebench_groups(const ArrayFile& file, const PublishedOptions&) {
  PublishedPart data;
  data.name = "u";
  for (const FileArray& array : file.arrays()) {
    const auto slash = array.name.find("/data");
    if (slash == std::string::npos || slash == 0 || slash + 5 != array.name.size()) continue;
    if (array.name.substr(0, slash).find_first_not_of("0123456789") != std::string::npos) continue;
    NOPAL_CHECK(data.arrays.empty() || array.shape == data.shape, file.path(), ": ",
                printable(array.name), " has shape ", text_of(array.shape), ", ",
                data.arrays.empty() ? "" : data.arrays[0], " ", text_of(data.shape));
    data.shape = array.shape;
    data.arrays.push_back(array.name);
  }
  if (data.arrays.empty()) return {};
  NOPAL_CHECK(data.shape.size() >= 3 && data.shape.size() <= 5, file.path(), ": ", data.arrays[0],
              " has shape ", text_of(data.shape), ", expected (T, X, ..., C)");
  std::sort(data.arrays.begin(), data.arrays.end());
  data.roles = roles_of("T", data.shape.size() - 2, "C");
  Found found;
  found.name = "PDEBench";
  found.series = {data};
  return found;
}

std::optional<Found> pdebench(const ArrayFile& file, const PublishedOptions& options) {
  Found found;
  found.name = "PDEBench";
  const auto series = [&](const FileArray& array, bool components) {
    const std::size_t others = components ? 3 : 2;
    NOPAL_CHECK(array.shape.size() > others && array.shape.size() <= others + 3, file.path(), ": ",
                printable(array.name), " has shape ", text_of(array.shape),
                ", expected (N, T, X, ...)", components ? " with components" : "");
    return part(array, roles_of("NT", array.shape.size() - others, components ? "C" : ""));
  };
  const FileArray *tensor = file.find("tensor"), *nu = file.find("nu");
  if (tensor && nu && nu->shape.size() >= 2 && tensor->shape.size() == nu->shape.size() + 1) {
    found.x = {part(*nu, roles_of("N", nu->shape.size() - 1))};
    found.y = {series(*tensor, false)};
    return found;
  }
  if (tensor) {
    found.series = {series(*tensor, false)};
    found.series[0].name = "u";
    return found;
  }
  for (const char* name : {"density", "pressure", "Vx", "Vy", "Vz"})
    if (const FileArray* array = file.find(name)) found.series.push_back(series(*array, false));
  if (found.series.empty())
    for (const char* name : {"velocity", "particles"})
      if (const FileArray* array = file.find(name)) found.series.push_back(series(*array, true));
  if (found.series.empty()) return pdebench_groups(file, options);
  if (const FileArray* force = file.find("force"); force && force->shape.size() >= 3)
    found.constants = {part(*force, roles_of("N", force->shape.size() - 2, "C"))};
  return found;
}

std::optional<Found> fno(const ArrayFile& file, const PublishedOptions& options) {
  Found found;
  found.name = "FNO";
  const FileArray *a = file.find("coeff"), *u = file.find("sol");
  if (!a || !u) {
    a = file.find("a");
    u = file.find("u");
  }
  if (!a || !u || a->shape.size() < 2 || a->shape.size() > 4) return {};
  const std::string roles = roles_of("N", a->shape.size() - 1);
  if (u->shape.size() == a->shape.size()) {
    found.x = {part(*a, roles)};
    found.y = {part(*u, roles)};
    return found;
  }
  NOPAL_CHECK(u->shape.size() == a->shape.size() + 1, file.path(),
              ": expected u of the shape of a, ", text_of(a->shape),
              ", or with time as one axis more, got ", text_of(u->shape));
  const PublishedPart in_time = part(*u, roles_of("N", a->shape.size() - 1, "T"));
  if (options.input_frames > 0)
    found.series = {in_time};
  else {
    found.x = {part(*a, roles)};
    found.y = {in_time};
  }
  return found;
}

// Which frames are in x and in y.
// Frames become channels; a damaged file may claim any number of them.
void check_channels(const std::string& path, std::int64_t frames) {
  constexpr std::int64_t most = 1 << 20;
  NOPAL_CHECK(frames <= most, path, ": ", frames, " frames would be as many channels, more than ",
              most, "; take fewer (-output_frames, -time_stride), or the file is damaged");
}

void choose_frames(const std::string& path, const PublishedOptions& o, PublishedLayout& layout,
                   std::size_t series, std::size_t constants) {
  const std::int64_t all = layout.parts[0].extent('T');
  for (std::size_t p = 0; p < series; ++p)
    NOPAL_CHECK(layout.parts[p].extent('T') == all, path, ": ", printable(layout.parts[p].name),
                " has ", layout.parts[p].extent('T'), " frames, ", printable(layout.parts[0].name),
                " ", all);
  const std::int64_t frames = (all + o.time_stride - 1) / o.time_stride;
  const std::int64_t inputs = std::max<std::int64_t>(1, o.input_frames);
  const std::int64_t outputs = o.output_frames > 0 ? o.output_frames : frames - inputs;
  NOPAL_CHECK(outputs > 0 && inputs + outputs <= frames, path, ": the series have ", frames,
              " frames (", all, " of which every ", o.time_stride, ". counts), too few for ",
              inputs, " in the input and ", std::max<std::int64_t>(outputs, 1), " in the output");
  check_channels(path, inputs + outputs);
  for (std::int64_t f = 0; f < inputs + outputs; ++f)
    for (std::size_t p = 0; p < series; ++p)
      (f < inputs ? layout.x : layout.y).push_back({p, f * o.time_stride});
  for (std::size_t p = series; p < series + constants; ++p)
    layout.x.push_back({p, 0});
}

// Samples and points, the same for all parts.
void check_extents(const std::string& path, PublishedLayout& layout) {
  std::size_t axes = 0;
  for (const PublishedPart& p : layout.parts) {
    for (std::size_t a = 0; a < 3; ++a)
      if (p.has("012"[a])) axes = std::max(axes, a + 1);
    // Arrays that are the same for all samples say nothing of their number.
    const std::int64_t samples = p.arrays.size() > 1 ? static_cast<std::int64_t>(p.arrays.size())
                                 : p.has('N')        ? p.extent('N')
                                                     : 0;
    if (samples == 0 && !(p.has('N'))) {
      // A file of groups that has only one.
      if (p.roles.starts_with("T")) layout.samples = std::max<std::int64_t>(layout.samples, 1);
      continue;
    }
    NOPAL_CHECK(samples > 0, path, ": ", printable(p.name), " has no samples");
    NOPAL_CHECK(layout.samples == 0 || layout.samples == samples, path, ": ", printable(p.name),
                " has ", samples, " samples, the arrays before ", layout.samples);
    layout.samples = samples;
  }
  layout.samples = std::max<std::int64_t>(layout.samples, 1);
  // In The Well what does not vary along an axis leaves it out; elsewhere the axes are unclear.
  for (const PublishedPart& p : layout.parts)
    NOPAL_CHECK(layout.name == "The Well" || !p.has('0') || axes == 0 || p.has("012"[axes - 1]),
                path, ": ", printable(p.name), " has ", p.has('1') ? 2 : 1,
                " axes of space, others have ", axes,
                "; -dimension says how many arrays with channels have");
  layout.points.assign(axes, 1);
  for (std::size_t a = 0; a < axes; ++a) {
    std::int64_t points = 0;
    for (const PublishedPart& p : layout.parts)
      if (p.has("012"[a])) {
        NOPAL_CHECK(points == 0 || points == p.extent("012"[a]), path, ": ", printable(p.name),
                    " has ", p.extent("012"[a]), " points along axis ", a, ", the arrays before ",
                    points);
        points = p.extent("012"[a]);
      }
    NOPAL_CHECK(points > 0, path, ": there are no points along axis ", a);
    layout.points[a] = points;
  }
  NOPAL_CHECK(axes > 0, path, ": the arrays have no axes of space");
}

std::string number(double value) {
  std::ostringstream text;
  text.precision(9);
  text << value;
  return text.str();
}

// The ends of the coordinates along each axis, where the file has them.
void describe_domain(const ArrayFile& file, PublishedLayout& layout) {
  std::string domain, axes;
  for (std::size_t a = 0; a < layout.points.size(); ++a) {
    const std::string axis(1, "xyz"[a]);
    axes += (axes.empty() ? "" : " ") + axis;
    for (const std::string& name :
         {axis + "-coordinate", "dimensions/" + axis, "grid/" + axis,
          layout.parts[0].arrays[0].substr(0, layout.parts[0].arrays[0].find('/')) + "/grid/" +
              axis}) {
      const FileArray* array = file.find(name);
      if (!array || array->shape.size() != 1 || array->shape[0] < 1) continue;
      const double low = file.read(*array, 0, 1)[0],
                   high = file.read(*array, array->shape[0] - 1, 1)[0];
      domain += (domain.empty() ? "" : " ") + number(low) + " " + number(high);
      break;
    }
  }
  layout.attributes["axes"] = axes;
  // Of all axes or none: the numbers would belong to others otherwise.
  if (static_cast<std::size_t>(std::count(domain.begin(), domain.end(), ' ')) + 1 ==
      2 * layout.points.size())
    layout.attributes["domain"] = domain;
}

// A name for each channel, in time with the number of its frame.
std::string channel_names(const PublishedLayout& layout,
                          const std::vector<PublishedSource>& sources) {
  std::string names;
  for (const PublishedSource& source : sources) {
    const PublishedPart& p = layout.parts[source.part];
    const std::int64_t components = p.extent('C');
    for (std::int64_t c = 0; c < components && names.size() < longest_names; ++c) {
      std::string name = p.name;
      std::replace(name.begin(), name.end(), ' ', '_');
      if (components > 1) name.append("_").append(std::to_string(c));
      if (p.has('T') && p.extent('T') > 1) name.append("@").append(std::to_string(source.frame));
      names += (names.empty() ? "" : " ") + name;
    }
  }
  return names;
}

}  // namespace

PublishedLayout recognise(const ArrayFile& file, const PublishedOptions& options) {
  const std::string& path = file.path();
  for (const auto& [name, value] : {std::pair("time_stride", options.time_stride),
                                    std::pair("space_stride", options.space_stride)})
    NOPAL_CHECK(value > 0, path, ": expected a ", name, " of at least 1, got ", value);
  NOPAL_CHECK(options.input_frames >= 0 && options.output_frames >= 0, path,
              ": expected numbers of frames of at least 0, got ", options.input_frames, " and ",
              options.output_frames);
  std::optional<Found> found;
  const bool by_name = !options.x_array.empty() || !options.y_array.empty();
  if (by_name) found = named(file, options);
  for (const auto& layout : {the_well, pdebench, fno, named})
    if (!found) found = layout(file, options);
  if (!found) {
    std::string arrays;
    std::size_t listed = 0;
    for (const FileArray& array : file.arrays())
      if (listed++ < 8)
        arrays +=
            (arrays.empty() ? "" : ", ") + printable(array.name, 40) + " " + text_of(array.shape);
    if (arrays.empty()) arrays = "no arrays of numbers";
    if (file.arrays().size() > 8) arrays += " and more";
    for (const char* name : {"x", "y"})
      if (const auto why = file.attributes().find(name); why != file.attributes().end())
        arrays.append("; of ").append(name).append(": ").append(printable(why->second, 200));
    NOPAL_CHECK(false, path,
                ": is not laid out as PDEBench, The Well, FNO's files or pairs x, y; name ",
                "the arrays of inputs and outputs (-x_array, -y_array). It has ", arrays);
  }
  PublishedLayout layout;
  layout.name = found->name;
  if (!found->series.empty()) {
    layout.parts = found->series;
    layout.parts.insert(layout.parts.end(), found->constants.begin(), found->constants.end());
    choose_frames(path, options, layout, found->series.size(), found->constants.size());
  } else {
    for (const PublishedPart& p : found->x) {
      layout.x.push_back({layout.parts.size(), 0});
      layout.parts.push_back(p);
    }
    for (const PublishedPart& p : found->y) {
      const std::int64_t frames = (p.extent('T') + options.time_stride - 1) / options.time_stride;
      const std::int64_t wanted = options.output_frames > 0 ? options.output_frames : frames;
      NOPAL_CHECK(wanted <= frames, path, ": ", printable(p.name), " has ", frames,
                  " frames, too few for ", wanted, " in the output");
      check_channels(path, wanted);
      for (std::int64_t f = 0; f < wanted; ++f)
        layout.y.push_back({layout.parts.size(), f * options.time_stride});
      layout.parts.push_back(p);
    }
  }
  const bool series = std::any_of(layout.parts.begin(), layout.parts.end(),
                                  [](const PublishedPart& p) { return p.has('T'); });
  NOPAL_CHECK(
      series ||
          (options.input_frames == 0 && options.output_frames == 0 && options.time_stride == 1),
      path, ": has no axis of time, which input_frames, output_frames and time_stride are for");
  check_extents(path, layout);
  describe_domain(file, layout);
  // What the file says of itself, root attributes only.
  for (const auto& [name, text] : file.attributes())
    if (name.find('@') == std::string::npos && text.size() < 200)
      layout.attributes.emplace(name, text);
  if (const auto set = file.attributes().find("dataset_name"); set != file.attributes().end())
    layout.attributes["problem"] = set->second;
  layout.attributes["layout"] = layout.name;
  const std::string x = channel_names(layout, layout.x), y = channel_names(layout, layout.y);
  if (x.size() < longest_names) layout.attributes["x_channels"] = x;
  if (y.size() < longest_names) layout.attributes["y_channels"] = y;
  return layout;
}

}  // namespace nopal::detail
