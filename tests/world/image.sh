# How the world's images are made. Sourced by build.sh, which sets $out and works there.

umoci_at() { umoci --log=error "$@"; }
# package NAME: its store path.
package() { grep -m1 -- "-$1-" "$out/closure.txt"; }

# The skeleton of a worker image: what a program expects outside the store, and nothing more.
worker_files() {
  rm -rf skeleton && mkdir -p skeleton/{bin,etc,usr/bin,tmp,nix/store}
  chmod 1777 skeleton/tmp
  printf 'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/nonexistent:/bin/false\n' > skeleton/etc/passwd
  printf 'root:x:0:\nnogroup:x:65534:\n' > skeleton/etc/group
  ln -s "$(package bash)/bin/bash" skeleton/bin/bash
  ln -s "$(package bash)/bin/sh" skeleton/bin/sh
  ln -s "$(package coreutils)/bin/env" skeleton/bin/env
  ln -s /bin/env skeleton/usr/bin/env
}

# layer TAR STORE_PATH...: an archive of store paths, with the metadata that Nix writes.
layer() {
  local tar=$1; shift
  tar_in skeleton "$tar" --no-recursion nix nix/store
  (($# == 0)) || tar_append root "$tar" "${@#/}"
}
tar_in() { local dir=$1 tar=$2; shift 2; tar "${canonical[@]}" -C "$dir" -cf "$tar" "$@"; }
tar_append() { local dir=$1 tar=$2; shift 2; tar "${canonical[@]}" -C "$dir" -rf "$tar" "$@"; }
canonical=(--sort=name --mtime=@1 --owner=0 --group=0 --numeric-owner)
epoch=1970-01-01T00:00:01Z

# add_layer TAG TAR: puts an archive on top of an image.
add_layer() { umoci_at raw add-layer --image "oci:$1" --history.created $epoch "$2"; }

# configure TAG FLAG...
configure() { local tag=$1; shift; umoci_at config --image "oci:$tag" --created $epoch --history.created $epoch "$@"; }

# The PATH of the image's environment.
search_path() { sed -n 's/^PATH=//p' env.txt; }

# configure_environment TAG FILE: sets what FILE says in lines NAME=VALUE.
configure_environment() {
  local flags=() line
  while IFS= read -r line; do flags+=(--config.env "$line"); done < "$2"
  configure "$1" "${flags[@]}"
}

clean_image() {
  rm -rf oci layers && mkdir layers
  umoci_at init --layout oci
  umoci_at new --image oci:clean
  worker_files
  split -n l/4 -d closure.txt layers/paths.
  local group
  for group in layers/paths.*; do
    layer "$group.tar" $(cat "$group")
    add_layer clean "$group.tar"
  done
  tar_in skeleton layers/worker.tar bin etc usr tmp
  add_layer clean layers/worker.tar
  configure clean --architecture amd64 --os linux \
    --config.entrypoint "$(package bash)/bin/bash" --config.workingdir /tmp
  configure_environment clean env.txt
  # The name by which platforms and workers know it.
  skopeo copy -q oci:oci:clean "oci:oci:lre-cc:$tag"
}

# The same image in the other forms that lre-audit reads.
image_variants() {
  rm -rf oci-archive.tar docker-archive.tar oci-zstd rootfs
  skopeo copy -q oci:oci:clean oci-archive:oci-archive.tar:clean
  skopeo copy -q oci:oci:clean "docker-archive:docker-archive.tar:lre-cc:$tag"
  skopeo copy -q --dest-compress-format zstd --dest-compress oci:oci:clean oci:oci-zstd:clean
  umoci_at raw unpack --rootless --image oci:clean rootfs
}
