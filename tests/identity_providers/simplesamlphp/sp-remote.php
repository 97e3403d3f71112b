<?php
// The service, as it is described in service.json, answered as the file `variant` says; both are read at each request.
$folder = getenv('IDP_FOLDER');
$service = json_decode((string) @file_get_contents("$folder/service.json"), true);
$variant = trim((string) @file_get_contents("$folder/variant"));
if (is_array($service)) {
    $metadata[$service['entityId']] = [
        'AssertionConsumerService' => $service['acs'],
        'SingleLogoutService' => $service['slo'],
        'NameIDFormat' => 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
        'keys' => [
            ['type' => 'X509Certificate', 'signing' => true, 'encryption' => false, 'X509Certificate' => $service['signingData']],
            ['type' => 'X509Certificate', 'signing' => false, 'encryption' => true, 'X509Certificate' => $service['encryptionData']],
        ],
        'validate.authnrequest' => true,
        'validate.logout' => true,
        'saml20.sign.response' => !in_array($variant, ['assertion-signed', 'unsigned', 'aes128-cbc-bare'], true),
        'saml20.sign.assertion' => !in_array($variant, ['response-signed', 'unsigned'], true),
        'assertion.encryption' => in_array($variant, ['aes128-cbc', 'aes128-cbc-bare', '3des'], true),
        'signature.algorithm' => [
            'sha1' => 'http://www.w3.org/2000/09/xmldsig#rsa-sha1',
            'sha384' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha384',
            'sha512' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512',
        ][$variant] ?? 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    ];
    if ($variant === '3des') {
        // AES-128-CBC for the service's certificate is all that it does by itself; a key that both know may be of any kind.
        $metadata[$service['entityId']] += [
            'sharedkey' => str_repeat('k', 24),
            'sharedkey_algorithm' => 'http://www.w3.org/2001/04/xmlenc#tripledes-cbc',
        ];
    }
}
