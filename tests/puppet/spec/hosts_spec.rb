# frozen_string_literal: true

require 'tmpdir'
require 'yaml'
require_relative 'spec_helper'

describe 'host.test', type: :host do
  let(:facts) { SYSTEMS['Debian 12.8'] }
  let(:trusted_facts) { certificate_of('web', 'lab') }

  context 'without a role in its certificate' do
    let(:trusted_facts) { certificate_of('web', 'lab').except('pp_role') }

    it { is_expected.to compile.and_raise_error(%r{has no pp_role: no catalog for it}) }
  end

  ['webb', 'Web', 'web::', 'web; include role::database', '../web'].each do |role|
    context "with the role #{role}" do
      let(:trusted_facts) { certificate_of(role, 'lab') }

      it { is_expected.to compile.and_raise_error(%r{names a role that does not exist}) }
    end
  end

  context 'in an environment without data' do
    let(:trusted_facts) { certificate_of('web', 'labb') }

    it { is_expected.to compile.and_raise_error(%r{Class\[Airaware\]: expects a value for parameter 'bucket'}) }
  end

  # A fact of that name is what the host says of itself: its certificate counts.
  context 'with a role among its facts' do
    let(:facts) { SYSTEMS['Debian 12.8'].merge('role' => 'database', 'pp_role' => 'database') }

    it { is_expected.to contain_class('role::web') }
    it { is_expected.not_to contain_class('role::database') }
  end

  # A line of the settings file, a process's environment.
  def zones_line(databases)
    "AIRAWARE_ZONES=\"#{databases.map { |zone, login| "#{zone}=dbname=airaware #{login}" }.join('; ')}\"\n"
  end

  def remote(letter, role)
    "host=database-#{letter}.lab.airaware.internal user=#{role} " \
      'sslmode=verify-full sslrootcert=/etc/airaware/ca.pem'
  end

  it 'lets the site read both zones, over TLS and by name' do
    zones = { 'us-west-2a' => remote('a', 'airaware_reader'), 'us-west-2b' => remote('b', 'airaware_reader') }
    is_expected.to contain_file('/etc/airaware/settings').with_content(%r{^#{Regexp.escape(zones_line(zones))}})
  end

  it 'leaves memory to what is not the site' do
    is_expected.to contain_systemd__unit_file('airaware-web.service')
      .with_content(%r{^MemoryMax=70%$}).with_content(%r{^OOMPolicy=continue$})
  end

  it 'has its watchdog ask where the workers answer, as their own account' do
    is_expected.to contain_systemd__unit_file('airaware-web.service')
      .with_content(%r{^Environment=AIRAWARE_WORKER_SOCKETS=/run/airaware-web/workers$})
      .with_content(%r{--pid /run/airaware-web/web\.pid })
    is_expected.to contain_systemd__unit_file('airaware-watchdog.service')
      .with_content(%r{^User=airaware$})
      .with_content(%r{--workers /run/airaware-web/workers })
      .with_content(%r{--pid-file /run/airaware-web/web\.pid })
  end

  context 'as database' do
    let(:trusted_facts) { certificate_of('database', 'lab') }

    it 'owns its own zone and reads the other' do
      zones = {
        'us-west-2a' => 'host=/run/postgresql user=airaware_owner', 'us-west-2b' => remote('b', 'airaware_reader')
      }
      is_expected.to contain_file('/etc/airaware/settings').with_content(%r{^#{Regexp.escape(zones_line(zones))}})
    end
  end

  # So that readers always have a zone whose disk is theirs alone.
  { 'us-west-2a' => '05', 'us-west-2b' => '08' }.each do |zone, hour|
    context "as database in #{zone}" do
      let(:trusted_facts) { certificate_of('database', 'lab').merge('pp_zone' => zone) }

      it "verifies its loads at #{hour}:00" do
        is_expected.to contain_systemd__unit_file('airaware-verify.timer')
          .with_content(%r{^OnCalendar=\*-\*-\* #{hour}:00:00 UTC$})
      end
    end
  end

  ENVIRONMENTS.each do |environment|
    context "as database in #{environment}" do
      let(:trusted_facts) { certificate_of('database', environment) }

      it 'has a connection for each that all web hosts may hold, and some for others' do
        is_expected.to contain_postgresql__server__config_entry('max_connections')
          .with_value(ENV.fetch('MAX_CONNECTIONS').to_i)
      end
    end

    context "as web in #{environment}" do
      let(:trusted_facts) { certificate_of('web', environment) }

      it 'runs the workers and threads that databases reckon with' do
        is_expected.to contain_systemd__unit_file('airaware-web.service')
          .with_content(%r{#{ENV.fetch('WEB_PROCESSES')}})
      end
    end
  end

  context 'as controller' do
    let(:trusted_facts) { certificate_of('controller', 'production') }

    it 'asks EPA for newer files once that is switched on' do
      is_expected.to contain_systemd__unit_file('airaware-refresh.timer')
        .with(enable: false, active: false).with_content(%r{^OnCalendar=Sun })
    end

    context 'in the lab' do
      let(:trusted_facts) { certificate_of('controller', 'lab') }

      it 'takes them from a mirror in the bucket' do
        is_expected.to contain_file('/etc/airaware/settings')
          .with_content(%r{^AIRAWARE_EPA_URL="s3://epa-data/raw/mirror"$})
          .with_content(%r{^SPARK_CONF_DIR="/etc/spark"$})
      end
    end

    context 'that refreshes' do
      let(:folder) { Dir.mktmpdir }
      let(:hiera_config) do
        hiera = YAML.load_file(File.join(ENVIRONMENT, 'hiera.yaml'))
        hiera['defaults']['datadir'] = File.join(ENVIRONMENT, 'hieradata')
        hiera['hierarchy'].unshift('name' => 'on', 'datadir' => folder, 'path' => 'on.yaml')
        File.write(File.join(folder, 'on.yaml'), "profile::controller::refresh: true\n")
        File.join(folder, 'hiera.yaml').tap { |file| File.write(file, hiera.to_yaml) }
      end

      after { FileUtils.remove_entry(folder) }

      it { is_expected.to contain_systemd__unit_file('airaware-refresh.timer').with(enable: true, active: true) }
    end
  end

  context 'as database with 8 GB of memory in production' do
    let(:trusted_facts) { certificate_of('database', 'production') }

    it { is_expected.to contain_postgresql__server__config_entry('shared_buffers').with_value('2048MB') }

    # Over the network only with TLS and a password.
    it 'lets no plain connection in' do
      rules = catalogue.resources.select { |resource| resource.type == 'Postgresql::Server::Pg_hba_rule' }
      expect(rules.map { |rule| rule[:type] }.uniq).to contain_exactly('local', 'hostssl')
      remote = rules.select { |rule| rule[:type] == 'hostssl' }
      expect(remote.map { |rule| rule[:auth_method] }).to all(eq('scram-sha-256'))
    end
  end
end
