output "text" {
  description = "The user data."
  value = "#cloud-config\n${yamlencode(merge(local.hostname, {
    manage_etc_hosts = false
    write_files      = flatten(local.parts[*].files)
    runcmd           = concat(local.parts[*].commands...)
  }))}"
}
