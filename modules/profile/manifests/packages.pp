# @summary Where packages come from beside the image's own sources.
#
# @param sources
#   apt sources by name, as apt::source takes them.
class profile::packages (
  Hash[String[1], Hash[String[1], Data]] $sources,
) {
  contain apt

  apt::conf { 'lean':
    priority => 30,
    # Security updates may be at work.
    content  => "APT::Install-Recommends \"false\";\nDPkg::Lock::Timeout \"600\";",
  }

  $sources.each |$name, $source| {
    apt::source { $name:
      * => $source,
    }
  }
}
