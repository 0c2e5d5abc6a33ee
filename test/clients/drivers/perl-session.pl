# perl-session.pl none|explicit|implicit host port user password what [words...]: one session of Perl's own FTP client.
use strict;
use warnings;
use Net::FTP;

my ($security, $host, $port, $user, $password, $what, @words) = @ARGV;
# A certificate of the member's own: nobody vouches for it.
# TLS 1.2: it never reads the session tickets that TLS 1.3 sends behind the handshake, and closing over them is a reset that
# takes its last bytes along, with any server.
my @tls = $security eq 'none' ? () : (SSL_verify_mode => 0, SSL_version => 'TLSv1_2', ($security eq 'implicit' ? (SSL => 1) : ()));
my $ftp = Net::FTP->new($host, Port => $port, Timeout => 60, Passive => 1, @tls) or die "connecting: $@";

sub done { my ($result, $step) = @_; return $result if $result; die "$step: " . $ftp->code . ' ' . $ftp->message }

if ($security eq 'explicit') { done($ftp->starttls, 'starttls') }
done($ftp->login($user, $password), 'login');
if ($security eq 'implicit') { done($ftp->prot('P'), 'prot') }
done($ftp->binary, 'binary');
my ($one, $two, $three) = @words;
if    ($what eq 'put')    { done($ftp->put($two, $one), 'put') }
elsif ($what eq 'append') { done($ftp->append($two, $one), 'append') }
elsif ($what eq 'get')    { done($ftp->get($one, $two), 'get') }
elsif ($what eq 'resume-get') { done($ftp->get($one, $two, $three), 'get') }
elsif ($what eq 'resume-put') {
    open(my $file, '<:raw', $two) or die "$two: $!";
    seek($file, $three, 0);
    $ftp->restart($three);
    done($ftp->put($file, $one), 'put');
}
elsif ($what eq 'mkdir')  {
    # The reply quotes the path, doubled quotes and all (RFC 959, appendix II); Net::FTP takes it apart.
    my $made = done($ftp->mkdir($one), 'mkdir');
    $made eq $one or die "mkdir $one made $made";
}
elsif ($what eq 'list')   { done($ftp->cwd($one), 'cwd'); print "$_\n" for $ftp->ls }
elsif ($what eq 'rename') { done($ftp->rename($one, $two), 'rename') }
elsif ($what eq 'delete') { done($ftp->delete($one), 'delete') }
elsif ($what eq 'rmdir')  { done($ftp->rmdir($one), 'rmdir') }
elsif ($what eq 'put-all') {
    done($ftp->cwd($one), 'cwd');
    chdir $two or die "$two: $!";
    done($ftp->put($_), "put $_") for sort glob('file-*');
}
elsif ($what eq 'get-all') {
    done($ftp->cwd($one), 'cwd');
    chdir $two or die "$two: $!";
    done($ftp->get($_), "get $_") for $ftp->ls;
}
else { die "do what? $what" }
done($ftp->quit, 'quit');
