<?php
// Debian's configuration with everything in a folder of a test's own.
require '/etc/simplesamlphp/config.php';
$folder = getenv('IDP_FOLDER') . '/';
$config = array_merge($config, [
    'baseurlpath' => 'http://127.0.0.1:' . getenv('IDP_PORT') . '/simplesaml/',
    'certdir' => $folder . 'cert/',
    'loggingdir' => $folder . 'log/',
    'datadir' => $folder . 'data/',
    'tempdir' => $folder . 'tmp/',
    'metadatadir' => $folder . 'metadata/',
    'enable.saml20-idp' => true,
    'session.cookie.secure' => false,
    'session.cookie.samesite' => null,
    'session.phpsession.savepath' => $folder . 'sessions',
    'session.phpsession.cookiename' => 'SimpleSAMLPhp',
    'session.check_session_ip' => false,
    'logging.handler' => 'file',
    'enable.http_post' => true,
    'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
]);
