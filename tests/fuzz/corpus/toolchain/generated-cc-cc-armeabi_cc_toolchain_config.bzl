"""A toolchain for a CPU that nothing builds for; whatever asks for it fails."""

load("@rules_cc//cc:cc_toolchain_config_lib.bzl", "feature", "tool_path")
load("@rules_cc//cc/common:cc_common.bzl", "cc_common")
load("@rules_cc//cc/toolchains:cc_toolchain_config_info.bzl", "CcToolchainConfigInfo")

def _impl(ctx):
    return cc_common.create_cc_toolchain_config_info(
        ctx = ctx,
        abi_libc_version = "armeabi-v7a",
        abi_version = "armeabi-v7a",
        compiler = "compiler",
        cxx_builtin_include_directories = [],
        features = [feature(name = "supports_pic", enabled = True)],
        host_system_name = "armeabi-v7a",
        target_cpu = "armeabi-v7a",
        target_libc = "armeabi-v7a",
        target_system_name = "armeabi-v7a",
        tool_paths = [
            tool_path(name = "ar", path = "/nix/store/fs9nm4gxvwhnarrmay7yi7vbk8iq7zq5-coreutils-9.1/bin/false"),
            tool_path(name = "cpp", path = "/nix/store/fs9nm4gxvwhnarrmay7yi7vbk8iq7zq5-coreutils-9.1/bin/false"),
            tool_path(name = "gcc", path = "/nix/store/fs9nm4gxvwhnarrmay7yi7vbk8iq7zq5-coreutils-9.1/bin/false"),
            tool_path(name = "ld", path = "/nix/store/fs9nm4gxvwhnarrmay7yi7vbk8iq7zq5-coreutils-9.1/bin/false"),
            tool_path(name = "nm", path = "/nix/store/fs9nm4gxvwhnarrmay7yi7vbk8iq7zq5-coreutils-9.1/bin/false"),
            tool_path(name = "objdump", path = "/nix/store/fs9nm4gxvwhnarrmay7yi7vbk8iq7zq5-coreutils-9.1/bin/false"),
            tool_path(name = "strip", path = "/nix/store/fs9nm4gxvwhnarrmay7yi7vbk8iq7zq5-coreutils-9.1/bin/false"),
        ],
        toolchain_identifier = "stub_armeabi-v7a",
    )

armeabi_cc_toolchain_config = rule(
    implementation = _impl,
    attrs = {},
    provides = [CcToolchainConfigInfo],
)
