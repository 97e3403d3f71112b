# An identity provider out of LemonLDAP::NG. Usage: IDP_FOLDER=FOLDER IDP_PORT=PORT plackup --port PORT idp.psgi
#
# FOLDER holds idp.key, idp.crt, service.xml (the service's metadata, once it is known) and variant. When one of the latter
# two changes, LemonLDAP::NG gets a new configuration, as if an administrator had saved one.
use strict;
use warnings;
use JSON;
use Lemonldap::NG::Portal::Main;
use Lemonldap::NG::Portal::UserDB::Demo;

my ( $folder, $port ) = @ENV{qw(IDP_FOLDER IDP_PORT)};
my $portal = "http://127.0.0.1:$port/";

# The module for demonstrations takes everybody's name for their password.
%Lemonldap::NG::Portal::UserDB::Demo::demoAccounts =
  ( alice => { uid => 'alice', cn => 'Alice Example', mail => 'alice@acme.test' } );
%Lemonldap::NG::Portal::UserDB::Demo::demoGroups = ();

sub content {
    my ($name) = @_;
    open my $file, '<', "$folder/$name" or return '';
    local $/;
    return scalar <$file>;
}

sub write_to {
    my ( $name, $text ) = @_;
    open my $file, '>', "$folder/$name" or die "$name: $!";
    print {$file} $text;
    close $file or die "$name: $!";
}

# What each variant is here: which of the response and the assertion is signed, how, and what is encrypted.
sub options {
    my ($variant) = @_;
    my %signed = ( 'assertion-signed' => 0, 'aes128-cbc-bare' => 0 );
    my %methods = ( sha1 => 'RSA_SHA1', sha384 => 'RSA_SHA384', sha512 => 'RSA_SHA512' );
    return {
        samlSPMetaDataOptionsCheckSSOMessageSignature   => 1,
        samlSPMetaDataOptionsCheckSLOMessageSignature   => 1,
        samlSPMetaDataOptionsSignSSOMessage             => $signed{$variant} // 1,
        samlSPMetaDataOptionsSignSLOMessage             => 1,
        samlSPMetaDataOptionsSignatureMethod            => $methods{$variant} // 'RSA_SHA256',
        samlSPMetaDataOptionsEncryptionMode             => $variant =~ /^aes/ ? 'assertion' : 'none',
        samlSPMetaDataOptionsNameIDFormat               => 'email',
        samlSPMetaDataOptionsNotOnOrAfterTimeout        => 3600,
        samlSPMetaDataOptionsSessionNotOnOrAfterTimeout => 3600,
    };
}

sub configuration {
    my ( $number, $variant, $service ) = @_;
    my $basic  = 'urn:oasis:names:tc:SAML:2.0:attrname-format:basic';
    my $stored = sub { { Directory => "$folder/$_[0]", LockDirectory => "$folder/$_[0]/lock" } };
    return {
        cfgNum                     => $number,
        cfgDate                    => $number,
        portal                     => $portal,
        domain                     => '127.0.0.1',
        key                        => 'for a test alone',
        securedCookie              => 0,
        sameSite                   => 'Lax',
        requireToken               => 0,
        authentication             => 'Demo',
        userDB                     => 'Same',
        passwordDB                 => 'Demo',
        demoExportedVars           => { uid => 'uid', cn => 'cn', mail => 'mail' },
        locationRules              => { '127.0.0.1' => { default => 'accept' } },
        globalStorage              => 'Apache::Session::File',
        globalStorageOptions       => {
            %{ $stored->('sessions') },
            generateModule => 'Lemonldap::NG::Common::Apache::Session::Generate::SHA256'
        },
        persistentStorage          => 'Apache::Session::File',
        persistentStorageOptions   => $stored->('persistent'),
        localSessionStorage        => 'Cache::FileCache',
        localSessionStorageOptions => {
            cache_root         => "$folder/cache",
            cache_depth        => 1,
            default_expires_in => 600,
            directory_umask    => '007',
            namespace          => 'sessions'
        },
        issuerDBSAMLActivation     => 1,
        samlServicePrivateKeySig   => content('idp.key'),
        samlServicePublicKeySig    => content('idp.crt'),
        samlServiceSignatureMethod => 'RSA_SHA256',
        samlServiceUseCertificateInResponse => 1,
        $service
        ? (
            samlSPMetaDataXML     => { service => { samlSPMetaDataXML => $service } },
            samlSPMetaDataOptions => { service => options($variant) },
            samlSPMetaDataExportedAttributes => {
                service => { mail => "1;email;$basic;", uid => "1;uid;$basic;", cn => "0;displayName;$basic;" }
            },
          )
        : (),
    };
}

mkdir "$folder/$_" for qw(conf sessions sessions/lock persistent persistent/lock);
write_to( 'lemonldap-ng.ini', <<"INI");
[all]
logLevel = notice
[configuration]
type = File
dirName = $folder/conf
[portal]
staticPrefix = /static
templateDir = /usr/share/lemonldap-ng/portal/templates
languages = en
INI

my ( $seen, $number, $app ) = ( '', 0 );

sub {
    my ($env) = @_;
    my ( $variant, $service ) = ( content('variant'), content('service.xml') );
    $variant =~ s/\s//g;
    if ( $seen ne "$variant $service" or not $app ) {
        $number++;
        write_to( "conf/lmConf-$number.json", to_json( configuration( $number, $variant, $service ) ) );
        if ($app) {
            Lemonldap::NG::Handler::PSGI::Main->checkConf(1) or die 'the configuration is not taken';
        }
        else {
            $app = Lemonldap::NG::Portal::Main->run( {} );
        }
        $seen = "$variant $service";
    }
    return $app->($env);
};
