
# ---- Docker, podman and their kin: a folder of certificates per registry, no restart

# certificate_folders WHO PARENT WHAT-FOR: ca.crt in a folder per spelling of the registry.
certificate_folders() {
  for spelling in $spellings; do
    put_ca "$1" "$2/$spelling/ca.crt" "$3"
    [ -z "$wrote" ] || any_wrote=yes
  done
}

enrol_docker() {
  # Docker on macOS runs in a machine of its own, which desktops bring the files into.
  if [ "$os" != Darwin ] && [ -z "$home_only" ]; then
    any_wrote=''
    certificate_folders system "$etc/docker/certs.d" "Docker, podman, buildah, skopeo, CRI-O, nerdctl"
    if [ -n "$any_wrote" ] && [ -z "$dry" ] && have docker; then note_docker_restart; fi
  fi
  if [ -S "${runtime:-/nowhere}/docker.sock" ] || [ -d "$config/docker" ] || have dockerd-rootless.sh; then
    docker_at_home=yes
    certificate_folders person "$config/docker/certs.d" "Docker without root"
  fi
  if have docker-machine; then note_by_hand docker-machine "docker-machine (docker-machine ls -q shows the machines)"; fi
}

# BuildKit in Docker before 28 looks for folders once, when the daemon starts; login, push and pull look every time.
note_docker_restart() {
  case $(server_version person || server_version system) in
    1[0-9].* | 2[0-7].*) note "Restart Docker before the next docker build with BuildKit, which before Docker 28 trusts what was there at its start: sudo systemctl restart docker" ;;
  esac
}

server_version() { as "$1" docker version --format '{{.Server.Version}}' 2>/dev/null; }

# They take the first folder of three that exists, and look into no other: where one is there already, it has to be right.
# The person's is below ~/.config, wherever XDG_CONFIG_HOME leads.
enrol_podman() {
  for spelling in $spellings; do
    if [ -d "$home/.config/containers/certs.d/$spelling" ] || { [ -n "$home_only" ] && have_podman; }; then
      check_shadow "$home/.config/containers/certs.d/$spelling" ||
        put_ca person "$home/.config/containers/certs.d/$spelling/ca.crt" "podman, buildah, skopeo: this folder hides the system's"
    fi
    if [ -d "$etc/containers/certs.d/$spelling" ]; then
      check_shadow "$etc/containers/certs.d/$spelling" ||
        put_ca system "$etc/containers/certs.d/$spelling/ca.crt" "podman, buildah, skopeo, CRI-O: this folder hides Docker's"
    fi
  done
  if have podman && [ "$os" = Darwin ]; then
    note_by_hand podman-machine "podman's machine has to trust it too"
  fi
}

have_podman() { have podman || have buildah || have skopeo; }

# Applications that run Docker in a machine of their own copy ~/.docker/certs.d into it when they start.
enrol_desktops() {
  desktops='' restart='' is_copied=''
  if [ -d "$home/.docker/desktop" ] || [ -d "$root/Applications/Docker.app" ]; then desktops="$desktops, Docker Desktop"; is_copied=yes; fi
  if have colima || [ -d "$home/.colima" ] || [ -d "$config/colima" ]; then desktops="$desktops, colima"; is_copied=yes restart="colima restart"; fi
  if have rdctl || [ -d "$home/.rd" ]; then desktops="$desktops, Rancher Desktop"; is_copied=yes restart="rdctl shutdown && rdctl start"; fi
  if have orb || have orbctl || [ -d "$home/.orbstack" ]; then desktops="$desktops, OrbStack"; fi
  if have limactl && ! have colima; then
    note "lima: every instance takes the CA over with these lines in $home/.lima/_config/override.yaml; then limactl stop INSTANCE && limactl start INSTANCE"
    note "  caCerts:"
    note "    files: [\"$etc/docker/certs.d/$registry/ca.crt\"]"
  fi
  [ -n "$desktops" ] || return 0
  docker_at_home=yes
  any_wrote=''
  certificate_folders person "$home/.docker/certs.d" "${desktops#, }"
  if [ -n "$any_wrote" ] && [ -n "$is_copied" ]; then
    desktop_restart=yes
    note "Restart ${desktops#, }, then log in${restart:+: $restart}"
  fi
}

enrol_buildkit() {
  if [ -d "$docker_config/buildx" ] || as person docker buildx version >/dev/null 2>&1; then
    ca_parent=$home/.docker/certs.d
    certificate_folders person "$ca_parent" "for docker buildx"
    add_buildkit_registry person "${BUILDX_CONFIG:-$docker_config/buildx}/buildkitd.default.toml" "builders that docker buildx makes from now on"
    if [ -n "$wrote" ] && [ -z "$dry" ] && as person docker buildx ls 2>/dev/null | grep -q docker-container; then
      note "Builders that are there keep their old configuration. Make them anew: docker buildx rm NAME && docker buildx create --name NAME"
    fi
  fi
  if [ -n "$home_only" ]; then return 0; fi
  if have buildkitd || [ -d "$etc/buildkit" ]; then
    ca_parent=$etc/buildkit/certs.d
    certificate_folders system "$ca_parent" BuildKit
    add_buildkit_registry system "$etc/buildkit/buildkitd.toml" "BuildKit"
    [ -z "$wrote" ] || note "Restart BuildKit: sudo systemctl restart buildkit"
  fi
}

# A table at the end of a TOML file stands for itself, whatever is before it.
add_buildkit_registry() {
  wrote=''
  toml=$2
  if exists "$1" "$toml"; then contents "$1" "$toml"; fi >"$work/toml" || { no_room "$toml"; return; }
  changed='' gap=''
  [ ! -s "$work/toml" ] || gap=yes
  for spelling in $spellings; do
    if grep -qF "[registry.\"$spelling\"]" "$work/toml"; then
      # Its CA may stand in the line of a list, or be another one.
      if ! grep -qF "$ca_parent/$spelling/ca.crt" "$work/toml"; then
        note "$toml has a table [registry.\"$spelling\"] already. Add to it: ca = [\"$ca_parent/$spelling/ca.crt\"]"
      fi
      continue
    fi
    [ -z "$gap" ] || [ -n "$changed" ] || echo >>"$work/toml" || { no_room "$toml"; return; }
    changed=yes
    printf '[registry."%s"]\n  ca = ["%s"]\n' "$spelling" "$ca_parent/$spelling/ca.crt" >>"$work/toml" || { no_room "$toml"; return; }
  done
  if [ -n "$changed" ] || exists "$1" "$toml"; then put "$1" "$toml" "$3" <"$work/toml"; fi
}
