#include "audit/link/agreement_image.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lre_audit {
namespace {

// The short form of a name on Docker Hub (distribution/reference, FamiliarName).
std::string FamiliarName(std::string_view name) {
  for (const std::string_view registry : {"docker.io/library/", "docker.io/"}) {
    if (name.starts_with(registry)) return std::string(name.substr(registry.size()));
  }
  return std::string(name);
}

std::vector<std::string> MachinesOf(const Subject& subject) {
  std::map<std::string, int> counts;
  for (const LinkedFile& file : subject.files) {
    if (file.object && file.object->is_executable) ++counts[file.object->machine];
  }
  std::vector<std::pair<std::string, int>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::vector<std::string> machines;
  machines.reserve(sorted.size());
  for (auto& [machine, count] : sorted) machines.push_back(std::move(machine));
  return machines;
}

}  // namespace

AgreementImage AgreementImageOf(const Tree& tree, const Subject& subject) {
  const ImageConfig& config = tree.config();
  AgreementImage image;
  image.reference = tree.reference();
  for (const std::string& name : tree.names()) image.names.push_back(FamiliarName(name));
  image.has_configuration = config.present;
  image.architecture = config.architecture;
  image.os = config.os;
  image.has_environment = !config.env.empty();
  for (const std::string& variable : config.env) {
    const size_t equals = variable.find('=');
    if (equals == std::string::npos) continue;  // runtimes pass it on, and nobody reads it
    image.environment.push_back({variable.substr(0, equals), variable.substr(equals + 1)});
  }
  image.machines = MachinesOf(subject);
  return image;
}

}  // namespace lre_audit
