# One image in every form that lre-audit reads, made by skopeo and umoci. Sourced behind common.sh.

# stored COMMAND...: as root, of a user namespace where the user is none, as podman unpacks layers;
# what the storage mounts over itself is gone with the command.
stored() { if [ "$(id -u)" = 0 ]; then unshare -m "$@"; else unshare -Urm "$@"; fi; }
# storage DRIVER: the containers-storage of that driver below the test's directory.
storage() { echo "containers-storage:[$1@$work/storage-$1+$work/run]"; }

# daemon NAME=ARCHIVE...: a Docker daemon that has them, as DOCKER_HOST.
daemon() {
  python3 "$here/docker_daemon.py" "$work/docker.sock" "$@" > listening &
  daemon_pid=$!
  trap 'kill $daemon_pid; chmod -R u+w "$work" && rm -rf "$work"' EXIT
  export DOCKER_HOST=unix://$work/docker.sock
  until grep -q listening listening; do sleep 0.05; done
}

# forms TAG: makes them of the world's image TAG; ${references[@]} are their names, oci: first.
forms() {
  local tag=$1 driver
  references=("oci:$world/oci:$tag")
  skopeo copy -q "oci:$world/oci:$tag" "oci-archive:$tag-oci.tar:$tag"
  skopeo copy -q "oci:$world/oci:$tag" "docker-archive:$tag-docker.tar:worker:$tag"
  skopeo copy -q "oci:$world/oci:$tag" "dir:$tag-dir"
  references+=("oci-archive:$tag-oci.tar:$tag" "docker-archive:$tag-docker.tar" "dir:$tag-dir" "$tag-dir")
  for driver in overlay vfs; do
    stored skopeo copy -q "oci:$world/oci:$tag" "$(storage $driver)worker:$tag"
    references+=("$(storage $driver)worker:$tag")
  done
  references+=("docker-daemon:worker:$tag")
}
