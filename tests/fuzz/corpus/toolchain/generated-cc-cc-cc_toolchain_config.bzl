"""The rule that BUILD configures.

Paths are BUILD's to name: nothing here leads to /usr/bin/gcc or /usr/include.
"""

load("@rules_cc//cc:action_names.bzl", "ACTION_NAMES")
load("@rules_cc//cc:cc_toolchain_config_lib.bzl", "feature", "flag_group", "flag_set", "tool_path")
load("@rules_cc//cc/common:cc_common.bzl", "cc_common")
load("@rules_cc//cc/toolchains:cc_toolchain_config_info.bzl", "CcToolchainConfigInfo")

_COMPILE_ACTIONS = [
    ACTION_NAMES.c_compile,
    ACTION_NAMES.cpp_compile,
    ACTION_NAMES.cpp_header_parsing,
    ACTION_NAMES.preprocess_assemble,
]
_LINK_ACTIONS = [
    ACTION_NAMES.cpp_link_executable,
    ACTION_NAMES.cpp_link_dynamic_library,
    ACTION_NAMES.cpp_link_nodeps_dynamic_library,
]

def _flags(name, actions, flags, requires = None):
    if not flags:
        return feature(name = name)
    return feature(
        name = name,
        enabled = requires == None,
        flag_sets = [flag_set(actions = actions, flag_groups = [flag_group(flags = flags)])],
        requires = requires or [],
    )

def _impl(ctx):
    attr = ctx.attr

    # A bare name stands for a file beside BUILD; "None" for a tool that there is not.
    tools = [
        tool_path(name = name, path = path)
        for name, path in attr.tool_paths.items()
        if path != "None"
    ]
    return cc_common.create_cc_toolchain_config_info(
        ctx = ctx,
        abi_libc_version = attr.abi_libc_version,
        abi_version = attr.abi_version,
        compiler = attr.compiler,
        cxx_builtin_include_directories = attr.cxx_builtin_include_directories,
        features = [
            feature(name = "dbg"),
            feature(name = "opt"),
            _flags("default_compile_flags", _COMPILE_ACTIONS, attr.compile_flags),
            _flags("unfiltered_compile_flags", _COMPILE_ACTIONS, attr.unfiltered_compile_flags),
            _flags("default_link_flags", _LINK_ACTIONS, attr.link_flags + attr.link_libs),
            _flags("sysroot", _COMPILE_ACTIONS, ["--sysroot=%{sysroot}"], requires = ["sysroot"]),
        ],
        host_system_name = attr.host_system_name,
        target_cpu = attr.cpu,
        target_libc = attr.target_libc,
        target_system_name = attr.target_system_name,
        tool_paths = tools,
        toolchain_identifier = "{}-{}".format(attr.toolchain_identifier, attr.cpu),
    )

cc_toolchain_config = rule(
    implementation = _impl,
    attrs = {name: attr.string(mandatory = True) for name in [
        "abi_libc_version",
        "abi_version",
        "compiler",
        "cpu",
        "host_system_name",
        "target_libc",
        "target_system_name",
        "toolchain_identifier",
    ]} | {name: attr.string_list() for name in [
        "compile_flags",
        "coverage_compile_flags",
        "coverage_link_flags",
        "cxx_builtin_include_directories",
        "cxx_flags",
        "dbg_compile_flags",
        "link_flags",
        "link_libs",
        "opt_compile_flags",
        "opt_link_flags",
        "unfiltered_compile_flags",
    ]} | {
        "supports_start_end_lib": attr.bool(),
        "tool_paths": attr.string_dict(),
    },
    provides = [CcToolchainConfigInfo],
)
