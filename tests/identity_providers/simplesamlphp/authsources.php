<?php
$config = [
    'people' => [
        'exampleauth:UserPass',
        'alice:secret-alice' => [
            'uid' => ['alice'],
            'email' => ['alice@acme.test'],
            'displayName' => ['Alice Example'],
            'groups' => ['admins', 'engineers'],
        ],
    ],
];
