# frozen_string_literal: true

require 'open3'
require 'rspec-puppet'

SECRET = 'a-secret-of-the-test'

# A copy of the control repository as a release has it; test_puppet.py makes it.
ENVIRONMENT = ENV.fetch('PUPPET_ENVIRONMENT_FOLDER')

RSpec.configure do |config|
  config.module_path = ['modules', 'vendor_modules'].map { |folder| File.join(ENVIRONMENT, folder) }.join(':')
  config.manifest = File.join(ENVIRONMENT, 'manifests', 'site.pp')
  config.hiera_config = File.join(ENVIRONMENT, 'hiera.yaml')
  config.strict_variables = true
  # Compiling resolves what hosts resolve later; there is no instance role here to fetch secrets.
  config.before do
    fetched = [SECRET, '', instance_double(Process::Status, success?: true)]
    allow(Open3).to receive(:capture3).with('/usr/local/sbin/airaware-secret', String).and_return(fetched)
  end
end

# The facts of a system, as Facter 4 gives them: those that our modules and the vendors' ask for.
def facts_of(name, release, codename)
  major = (name == 'Debian') ? release.split('.').first : release
  {
    'os' => {
      'name' => name, 'family' => 'Debian', 'architecture' => 'amd64', 'hardware' => 'x86_64',
      'release' => { 'full' => release, 'major' => major, 'minor' => release.split('.').last },
      'distro' => {
        'id' => name, 'codename' => codename, 'description' => "#{name} #{release}",
        'release' => { 'full' => release, 'major' => major, 'minor' => release.split('.').last },
      },
      'selinux' => { 'enabled' => false },
    },
    'memory' => { 'system' => { 'total_bytes' => 8_589_934_592 } },
    'processors' => { 'count' => 2 },
    'kernel' => 'Linux', 'path' => '/usr/sbin:/usr/bin:/sbin:/bin', 'service_provider' => 'systemd',
    'puppetversion' => Puppet.version, 'systemd' => true, 'systemd_internal_services' => {},
    'apt_update_last_success' => 0, 'apt_has_updates' => false,
    'operatingsystem' => name, 'osfamily' => 'Debian', 'operatingsystemrelease' => release,
    'operatingsystemmajrelease' => major, 'lsbdistid' => name, 'lsbdistcodename' => codename,
    'lsbdistrelease' => release, 'lsbmajdistrelease' => major, 'selinux' => false,
    'postgres_default_version' => 'unknown'
  }
end

SYSTEMS = [
  ['Debian', '12.8', 'bookworm'], ['Ubuntu', '22.04', 'jammy'], ['Ubuntu', '24.04', 'noble']
].to_h { |system| [system[0..1].join(' '), facts_of(*system)] }.freeze
ENVIRONMENTS = Dir.glob('*.yaml', base: File.join(ENVIRONMENT, 'hieradata', 'env')).map { |file|
  File.basename(file, '.yaml')
}.sort.freeze
ROLES = Dir.glob('*.pp', base: File.join(ENVIRONMENT, 'modules', 'role', 'manifests')).map { |file|
  File.basename(file, '.pp')
}.sort.freeze

def certificate_of(role, environment)
  {
    'pp_role' => role, 'pp_environment' => environment, 'pp_zone' => 'us-west-2a',
    'pp_instance_id' => 'i-0123456789abcdef0'
  }
end
