/* Owns the raw primitive of SAML: libxml2 parses a document, and xmlsec verifies its signature, with the key kept.
 * Never touches what the document says. Prints verifications per second of CPU.
 * Usage: raw DOCUMENT CERTIFICATE.pem COUNT */
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xmlsec/crypto.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmltree.h>

static char *text(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) exit(2);
    *length = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*length + 1);
    if (bytes == NULL || fread(bytes, 1, *length, file) != *length) exit(2);
    bytes[*length] = 0;
    fclose(file);
    return bytes;
}

static int verifies(const char *document, size_t length, xmlSecKeyPtr key) {
    static const xmlChar *ids[] = {BAD_CAST "ID", NULL};
    xmlDocPtr tree = xmlReadMemory(document, (int)length, NULL, NULL, XML_PARSE_NONET);
    if (tree == NULL) return 0;
    xmlNodePtr root = xmlDocGetRootElement(tree);
    xmlSecAddIDs(tree, root, ids);
    xmlNodePtr signature = xmlSecFindNode(root, xmlSecNodeSignature, xmlSecDSigNs);
    xmlSecDSigCtxPtr context = xmlSecDSigCtxCreate(NULL);
    context->signKey = key;
    int good = signature != NULL && xmlSecDSigCtxVerify(context, signature) == 0 &&
               context->status == xmlSecDSigStatusSucceeded;
    context->signKey = NULL;
    xmlSecDSigCtxDestroy(context);
    xmlFreeDoc(tree);
    return good;
}

int main(int count, char **words) {
    if (count != 4) return 2;
    size_t length, unused;
    char *document = text(words[1], &length);
    char *certificate = text(words[2], &unused);
    long times = atol(words[3]);
    xmlInitParser();
    if (xmlSecInit() < 0 || xmlSecCryptoAppInit(NULL) < 0 || xmlSecCryptoInit() < 0) return 2;
    xmlSecKeyPtr key = xmlSecCryptoAppKeyLoadMemory((const xmlSecByte *)certificate, strlen(certificate),
                                                    xmlSecKeyDataFormatCertPem, NULL, NULL, NULL);
    if (key == NULL) return 2;
    for (long i = 0; i < times / 10 + 1; i++)
        if (!verifies(document, length, key)) return 1;
    clock_t began = clock();
    for (long i = 0; i < times; i++)
        if (!verifies(document, length, key)) return 1;
    printf("%.1f\n", (double)times / ((double)(clock() - began) / CLOCKS_PER_SEC));
    return 0;
}
