# frozen_string_literal: true

require_relative 'spec_helper'

describe 'host.test', type: :host do
  let(:facts) { SYSTEMS['Debian 12.8'] }

  ['database', 'web'].each do |role|
    context "as #{role}" do
      let(:trusted_facts) { certificate_of(role, 'lab') }

      it 'has no service for which systemd reads all its units anew' do
        services = catalogue.resources.select { |each| each.type == 'Service' }
        expect(services.map { |each| each[:provider] }.uniq).to eq(['lean_systemd'])
      end
    end
  end
end

describe 'the provider lean_systemd' do
  subject(:provider) { Puppet::Type.type(:service).new(name: 'x.service', provider: :lean_systemd).provider }

  def answers(state)
    output = Puppet::Util::Execution::ProcessOutput.new("#{state}\n", 1)
    allow(provider).to receive(:execute).with(array_including('is-enabled'), anything).and_return(output)
  end

  before do
    allow(provider).to receive(:command).with(:systemctl).and_return('systemctl')
    allow(provider).to receive(:execute).with(array_including('enable'), anything)
    allow(provider).to receive(:systemctl)
  end

  it 'enables a unit without a reload, and without SysV' do
    answers('disabled')
    provider.enable
    expect(provider).to have_received(:execute).with(
      ['systemctl', 'enable', '--quiet', '--no-reload', '--', 'x.service'],
      failonfail: true, custom_environment: { 'SYSTEMCTL_SKIP_SYSV' => '1' }
    )
    expect(provider).not_to have_received(:systemctl)
  end

  it 'starts a unit that is masked once it is not' do
    answers('masked')
    expect(provider.startcmd).to eq(['systemctl', 'start', '--', 'x.service'])
    expect(provider).to have_received(:systemctl).with(:unmask, '--', 'x.service')
  end

  it 'starts one that is not at once' do
    answers('disabled')
    provider.startcmd
    expect(provider).not_to have_received(:systemctl)
  end
end
