
# ---- containerd and the Kubernetes distributions

# hosts_folders WHO PARENT WHAT-FOR: containerd's folder per registry, hosts.toml and the certificate that it names.
hosts_folders() {
  for spelling in $spellings; do
    hosts=$2/$spelling/hosts.toml
    put_ca "$1" "$2/$spelling/ca.crt" "$3"
    if [ "$mode" = check ] && exists "$1" "$hosts"; then
      contents "$1" "$hosts" | grep -qF "$2/$spelling/ca.crt" || find_hosts_toml_without_ca "$hosts" "$2/$spelling/ca.crt"
      continue
    fi
    hosts_text "$2/$spelling/ca.crt" >"$work/hosts" || { no_room "$hosts"; continue; }
    if exists "$1" "$hosts" && [ -z "$(number_of "$1" "$hosts")" ] && [ "$(contents "$1" "$hosts")" != "$(cat "$work/hosts")" ]; then
      if ! contents "$1" "$hosts" | grep -qF "$2/$spelling/ca.crt"; then
        note "$hosts was there already, and it decides. Add to its table [host.\"https://$spelling\"]: ca = \"$2/$spelling/ca.crt\""
      fi
      continue
    fi
    put "$1" "$hosts" "$3" <"$work/hosts"
  done
}

hosts_text() {
  printf 'server = "https://%s"\n\n' "$spelling" || return
  printf '[host."https://%s"]\n  capabilities = ["pull", "resolve", "push"]\n  ca = "%s"\n' "$spelling" "$1"
}

enrol_containerd() {
  if [ -d "$config/containerd" ] || have containerd-rootless.sh; then
    hosts_folders person "$config/containerd/certs.d" "containerd and nerdctl without root"
  fi
  if [ -n "$home_only" ]; then return 0; fi
  if ! have containerd && ! have nerdctl && [ ! -d "$etc/containerd" ]; then return 0; fi
  hosts_folders system "$etc/containerd/certs.d" "containerd, nerdctl, ctr --hosts-dir $etc/containerd/certs.d"
  check_config_path
}

# Kubernetes asks containerd through its plugin cri, which reads the folders only where config_path names them. Since 2.2 the
# default is a list of two folders, which is taken for the name of one, and none is read (containerd issue 12808).
check_config_path() {
  have containerd || return 0
  toml=$etc/containerd/config.toml
  dump=$(containerd --config "$toml" config dump 2>/dev/null || containerd config default 2>/dev/null)
  if printf '%s\n' "$dump" | grep -q '^ *disabled_plugins = .*cri'; then return 0; fi
  config_path=$(printf '%s\n' "$dump" | awk '
    /^ *\[/ { inside = /cri/ && /registry *\]/ }
    inside && /^ *config_path *=/ { sub(/^[^=]*= */, ""); gsub(/["\047]/, ""); print; exit }')
  [ "$config_path" != "$etc/containerd/certs.d" ] || return 0
  if [ -n "$fix_containerd" ]; then
    fix_config_path
  elif have kubelet || have crictl || have kubeadm; then
    if [ "$mode" = check ]; then
      case $config_path in '') find_config_path_missing "$toml" ;; *:*) find_config_path_colon "$toml" "$config_path" ;; esac
      return 0
    fi
    case $config_path in
      '') note "containerd reads no folder of certificates for Kubernetes: config_path is empty in $toml." ;;
      *:*) note "containerd takes config_path \"$config_path\" for one folder, and so reads none for Kubernetes ($toml)." ;;
      *) note "containerd reads certificates for Kubernetes from $config_path, not from $etc/containerd/certs.d ($toml)." ;;
    esac
    note "  Run the same line with --fix-containerd behind it, then: sudo systemctl restart containerd"
  fi
}

fix_config_path() {
  if exists system "$toml"; then contents system "$toml"; fi >"$work/toml" || { no_room "$toml"; return; }
  case $(containerd --version) in
    *' v1.'* | *' 1.'*) version=2 table='plugins."io.containerd.grpc.v1.cri".registry' ;;
    *) version=3 table='plugins."io.containerd.cri.v1.images".registry' ;;
  esac
  if grep -q '^ *version *= *2' "$work/toml"; then table='plugins."io.containerd.grpc.v1.cri".registry'; fi
  [ -s "$work/toml" ] || printf 'version = %s\n' "$version" >"$work/toml" || { no_room "$toml"; return; }
  WANTED="[$table]" VALUE="$etc/containerd/certs.d" awk '
    function plain(text) { gsub(/[ \t]/, "", text); gsub(/\047/, "\"", text); return text }
    /^[ \t]*\[/ { inside = plain($0) == ENVIRON["WANTED"] }
    inside && /^[ \t]*config_path[ \t]*=/ { next }
    { print }
    inside && /^[ \t]*\[/ { print "  config_path = \"" ENVIRON["VALUE"] "\""; done = 1 }
    END { if (!done) print "\n" ENVIRON["WANTED"] "\n  config_path = \"" ENVIRON["VALUE"] "\"" }' "$work/toml" >"$work/config.toml" || { no_room "$toml"; return; }
  if ! containerd --config "$work/config.toml" config dump >/dev/null 2>"$work/error"; then
    note "$toml could not be corrected. Set in it by hand, below [$table]: config_path = \"$etc/containerd/certs.d\""
    return 0
  fi
  put system "$toml" "containerd reads $etc/containerd/certs.d for Kubernetes" <"$work/config.toml"
  [ -z "$wrote" ] || note "Restart containerd: sudo systemctl restart containerd"
}

enrol_k3s() {
  if [ -n "$home_only" ]; then return 0; fi
  for kind in k3s rke2; do
    if ! have "$kind" && [ ! -d "$etc/rancher/$kind" ]; then continue; fi
    any_wrote=''
    put_ca system "$etc/rancher/$kind/$name.crt" "$kind"
    [ -z "$wrote" ] || any_wrote=yes
    add_k3s_registry "$etc/rancher/$kind/registries.yaml" "$etc/rancher/$kind/$name.crt"
    [ -z "$wrote" ] || any_wrote=yes
    if [ -n "$any_wrote" ]; then
      if [ "$kind" = k3s ]; then note "Restart k3s on this node: sudo systemctl restart k3s (k3s-agent on an agent)"; fi
      if [ "$kind" = rke2 ]; then note "Restart RKE2 on this node: sudo systemctl restart rke2-server (rke2-agent on an agent)"; fi
    fi
  done
}

# registries.yaml has both: the mirror, since some releases read TLS settings for mirrors alone, and the configuration.
add_k3s_registry() {
  yaml=$1 wrote=''
  if exists system "$yaml"; then contents system "$yaml"; fi >"$work/yaml" || { no_room "$yaml"; return; }
  # What was written by an earlier run, whatever a person has added since.
  if grep -qF "\"$registry\":" "$work/yaml" && grep -qF "$2" "$work/yaml"; then
    put system "$yaml" "$kind" <"$work/yaml"
    return 0
  fi
  # Only plain blocks can be added to by a script: what is written otherwise, or names the registry already, is a person's to edit.
  if grep -qF "$registry" "$work/yaml" || grep -qE '^(mirrors|configs):[[:space:]]*[^#[:space:]]' "$work/yaml" || grep -q '^---' "$work/yaml"; then
    note "Add to $yaml, below mirrors: and configs:, for \"$registry\": endpoint: [\"https://$registry\"] and tls: { ca_file: $2 }"
    return 0
  fi
  add_below mirrors "$(k3s_mirrors)" <"$work/yaml" >"$work/more" &&
    add_below configs "$(k3s_configs "$2")" <"$work/more" >"$work/yaml" || { no_room "$yaml"; return; }
  put system "$yaml" "$kind" <"$work/yaml"
}

k3s_mirrors() {
  for spelling in $spellings; do printf '"%s":\n  endpoint:\n    - "https://%s"\n' "$spelling" "$spelling"; done
}

k3s_configs() {
  for spelling in $spellings; do printf '"%s":\n  tls:\n    ca_file: "%s"\n' "$spelling" "$1"; done
}

# add_below KEY BLOCK: puts a block first below a key of a YAML file, as deep as what stands there, or the key with it at the end.
add_below() {
  KEY=$1 BLOCK=$2 awk '
    function block(depth,   count, lines, i) {
      count = split(ENVIRON["BLOCK"], lines, "\n")
      for (i = 1; i <= count; i++) print depth lines[i]
    }
    { line[NR] = $0 }
    END {
      for (n = 1; n <= NR; n++) {
        print line[n]
        if (line[n] !~ "^" ENVIRON["KEY"] ":[ \t]*(#.*)?$" || done) continue
        depth = "  "
        for (next_ = n + 1; next_ <= NR; next_++) {
          if (line[next_] ~ /^[ \t]*(#.*)?$/) continue
          if (match(line[next_], /^ +/)) depth = substr(line[next_], 1, RLENGTH)
          break
        }
        block(depth)
        done = 1
      }
      if (!done) { print ENVIRON["KEY"] ":"; block("  ") }
    }'
}

enrol_local_clusters() {
  if [ -d "$home/.minikube" ] || have minikube; then
    put_ca person "$home/.minikube/certs/$name.pem" "minikube"
    [ -z "$wrote" ] || note "Start minikube anew: minikube stop; minikube start --embed-certs"
  fi
  if [ -d "$root/var/snap/microk8s" ]; then
    hosts_folders system "$root/var/snap/microk8s/current/args/certs.d" "MicroK8s"
  fi
  if have kind; then note_by_hand kind "kind: the nodes of each cluster have to trust it too"; fi
}
