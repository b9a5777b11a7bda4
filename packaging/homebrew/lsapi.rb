# The formula of a release: packaging/packages.sh replaces what stands between @.
class Lsapi < Formula
  desc "HTTP API and CLI to register EC2 instances with AWS load balancers"
  homepage "@HOMEPAGE@"
  version "@VERSION@"
  license "Apache-2.0"

  on_macos do
    on_arm do
      url "@RELEASES@/lsapi_@VERSION@_darwin_arm64.tar.gz"
      sha256 "@SHA256_darwin_arm64@"
    end
    on_intel do
      url "@RELEASES@/lsapi_@VERSION@_darwin_amd64.tar.gz"
      sha256 "@SHA256_darwin_amd64@"
    end
  end

  on_linux do
    on_arm do
      url "@RELEASES@/lsapi_@VERSION@_linux_arm64.tar.gz"
      sha256 "@SHA256_linux_arm64@"
    end
    on_intel do
      url "@RELEASES@/lsapi_@VERSION@_linux_amd64.tar.gz"
      sha256 "@SHA256_linux_amd64@"
    end
  end

  def install
    bin.install "lsapi"
    doc.install "licences.txt"
    man1.install Dir["man/*.1.gz"]
    bash_completion.install "completions/lsapi.bash" => "lsapi"
    zsh_completion.install "completions/_lsapi"
    fish_completion.install "completions/lsapi.fish"

    (buildpath/"lsapi.env").write <<~SETTINGS
      # Settings of the service, one NAME=value a line: see man lsapi-serve.
      LISTEN=127.0.0.1:8000
      # API_TOKEN=   required: printf '%s' 'user:password' | base64
      # AWS_REGION=us-east-1
    SETTINGS
    chmod 0600, "lsapi.env"
    pkgetc.install "lsapi.env"
  end

  def post_install
    state = var/"lsapi"
    state.mkpath
    state.chmod 0700
  end

  def caveats
    <<~TEXT
      The settings of the service are in #{pkgetc}/lsapi.env. It does not start without a token there.
      To try it without AWS and without settings: lsapi demo
    TEXT
  end

  service do
    run [opt_bin/"lsapi", "serve"]
    environment_variables ENV_FILE: etc/"lsapi/lsapi.env", STATE_DIRECTORY: var/"lsapi"
    working_dir var/"lsapi"
    keep_alive crashed: true
    log_path var/"log/lsapi.log"
    error_log_path var/"log/lsapi.log"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/lsapi --version")
    url = "127.0.0.1:#{free_port}"
    demo = spawn "#{bin}/lsapi", "demo", "--listen", url, "--emulator-listen", "127.0.0.1:#{free_port}"
    begin
      curl = "curl --silent --retry 30 --retry-delay 1 --retry-connrefused --user demo:demo"
      assert_match "i-0592fe5ccee879f04", shell_output("#{curl} http://#{url}/elb/default-elb")
    ensure
      Process.kill "TERM", demo
      Process.wait demo
    end
  end
end
