/* Owns one verification: libxml2 parses a document strictly, and xmlsec verifies every signature in it with one key.
 * Never touches keys of others: the key is given, and `KeyInfo` is not read.
 *
 * It is C because it reads structures of xmlsec, whose layout its headers know. `hardening.rs` calls it, and says when. */
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <xmlsec/buffer.h>
#include <xmlsec/keys.h>
#include <xmlsec/openssl/crypto.h>
#include <xmlsec/openssl/evp.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmltree.h>

/* Bytes that were digested for a reference. */
struct bytes {
    unsigned char *start;
    size_t length;
};

/* Transforms that are needed, and no others: the same that are left in the library's own list. */
static int restricted(xmlSecDSigCtxPtr context) {
    const xmlSecTransformId references[] = {
        xmlSecTransformEnvelopedGetKlass(),      xmlSecTransformExclC14NGetKlass(),
        xmlSecOpenSSLTransformSha256GetKlass(),  xmlSecOpenSSLTransformSha384GetKlass(),
        xmlSecOpenSSLTransformSha512GetKlass(),
    };
    const xmlSecTransformId signatures[] = {
        xmlSecTransformExclC14NGetKlass(),
        xmlSecOpenSSLTransformRsaSha256GetKlass(),   xmlSecOpenSSLTransformRsaSha384GetKlass(),
        xmlSecOpenSSLTransformRsaSha512GetKlass(),   xmlSecOpenSSLTransformEcdsaSha256GetKlass(),
        xmlSecOpenSSLTransformEcdsaSha384GetKlass(), xmlSecOpenSSLTransformEcdsaSha512GetKlass(),
    };
    context->enabledReferenceUris = xmlSecTransformUriTypeSameDocument;
    for (size_t i = 0; i < sizeof references / sizeof *references; i++)
        if (xmlSecDSigCtxEnableReferenceTransform(context, references[i]) < 0) return 0;
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++)
        if (xmlSecDSigCtxEnableSignatureTransform(context, signatures[i]) < 0) return 0;
    return 1;
}

/* The key for one context, which destroys it; the caller's reference stays the caller's. */
static xmlSecKeyPtr own(EVP_PKEY *key) {
    if (EVP_PKEY_up_ref(key) != 1) return NULL;
    xmlSecKeyDataPtr data = xmlSecOpenSSLEvpKeyAdopt(key);
    if (data == NULL) {
        EVP_PKEY_free(key);
        return NULL;
    }
    xmlSecKeyPtr made = xmlSecKeyCreate();
    if (made == NULL || xmlSecKeySetValue(made, data) < 0) {
        xmlSecKeyDataDestroy(data);
        if (made != NULL) xmlSecKeyDestroy(made);
        return NULL;
    }
    return made;
}

/* The one reference of a verified signature: what was digested, if it is of the element with this URI. */
static int reference(xmlSecDSigCtxPtr context, const xmlChar *uri, struct bytes *digested) {
    if (xmlSecPtrListGetSize(&context->signedInfoReferences) != 1) return 0;
    xmlSecDSigReferenceCtxPtr only = xmlSecPtrListGetItem(&context->signedInfoReferences, 0);
    if (only == NULL || only->status != xmlSecDSigStatusSucceeded || only->uri == NULL) return 0;
    if (!xmlStrEqual(only->uri, uri)) return 1;
    xmlSecBufferPtr buffer = xmlSecDSigReferenceCtxGetPreDigestBuffer(only);
    if (buffer == NULL || xmlSecBufferGetData(buffer) == NULL || xmlSecBufferGetSize(buffer) == 0) return 0;
    if (digested->start != NULL) return 0;
    digested->length = xmlSecBufferGetSize(buffer);
    digested->start = malloc(digested->length);
    if (digested->start == NULL) return 0;
    memcpy(digested->start, xmlSecBufferGetData(buffer), digested->length);
    return 1;
}

static int signature(xmlNodePtr node, EVP_PKEY *key, const xmlChar *uri, struct bytes *digested) {
    xmlSecDSigCtxPtr context = xmlSecDSigCtxCreate(NULL);
    if (context == NULL) return 0;
    context->flags |= XMLSEC_DSIG_FLAGS_STORE_SIGNEDINFO_REFERENCES;
    context->signKey = own(key);
    int good = context->signKey != NULL && restricted(context) && xmlSecDSigCtxVerify(context, node) == 0 &&
               context->status == xmlSecDSigStatusSucceeded && reference(context, uri, digested);
    xmlSecDSigCtxDestroy(context);
    return good;
}

/* The next element in the order of the document. */
static xmlNodePtr next(xmlNodePtr node, xmlNodePtr root) {
    if (node->type == XML_ELEMENT_NODE && node->children != NULL) return node->children;
    while (node != root && node->next == NULL) node = node->parent;
    return node == root ? NULL : node->next;
}

/* Verify all signatures of a document with a key. 1, and the bytes that the signature of the element with this URI
 * covers, if there is one and all are good; otherwise 0. The bytes are given back by `portico_release`. */
int portico_verify(const char *document, int length, EVP_PKEY *key, const char *uri, struct bytes *digested) {
    static const xmlChar *ids[] = {BAD_CAST "ID", NULL};
    const int strict = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
    digested->start = NULL;
    digested->length = 0;
    xmlDocPtr tree = xmlReadMemory(document, length, NULL, "UTF-8", strict);
    if (tree == NULL) return 0;
    xmlNodePtr root = xmlDocGetRootElement(tree);
    int good = root != NULL && tree->intSubset == NULL;
    if (good) xmlSecAddIDs(tree, root, ids);
    for (xmlNodePtr node = root; good && node != NULL; node = next(node, root))
        if (xmlSecCheckNodeName(node, xmlSecNodeSignature, xmlSecDSigNs))
            good = signature(node, key, BAD_CAST uri, digested);
    xmlFreeDoc(tree);
    ERR_clear_error();
    if (good && digested->start != NULL) return 1;
    free(digested->start);
    digested->start = NULL;
    return 0;
}

void portico_release(unsigned char *start) { free(start); }
