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
    content  => 'APT::Install-Recommends "false";',
  }

  $sources.each |$name, $source| {
    apt::source { $name:
      * => $source,
    }
  }
}
