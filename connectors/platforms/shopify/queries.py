"""Every GraphQL text that we send. A test checks each of them against the schema of the sandbox."""

from __future__ import annotations

from dataclasses import dataclass

# The one place where the version is pinned. Shopify serves each for a year and answers with another one afterwards.
API_VERSION = "2026-07"


@dataclass(frozen=True, slots=True)
class Operation:
    """A named operation. guess: what it costs in points as long as no answer has told (for waiting before the first call)."""

    name: str
    text: str
    guess: int = 10


_BAG = """
fragment Bag on MoneyBag { shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"""
_TAX = """
fragment Tax on TaxLine { title rate ratePercentage channelLiable priceSet { ...Bag } }"""
_ADDRESS = """
fragment Addr on MailingAddress {
  firstName lastName name company address1 address2 city province provinceCode country countryCodeV2 zip phone
}"""
_TRANSACTION = """
fragment Txn on OrderTransaction {
  id kind status gateway formattedGateway manualPaymentGateway test createdAt processedAt paymentId
  amountSet { ...Bag } amountRoundingSet { ...Bag } parentTransaction { id }
}"""
_LINE = """
fragment Line on LineItem {
  id sku name title variantTitle quantity currentQuantity isGiftCard taxable requiresShipping
  product { id } variant { id }
  originalTotalSet { ...Bag }
  discountAllocations { allocatedAmountSet { ...Bag } discountApplication { index } }
  taxLines { ...Tax }
  duties { id harmonizedSystemCode price { ...Bag } taxLines { ...Tax } }
}"""
_SHIPPING = """
fragment Ship on ShippingLine {
  id title code isRemoved originalPriceSet { ...Bag }
  discountAllocations { allocatedAmountSet { ...Bag } discountApplication { index } }
  taxLines { ...Tax }
}"""
_DISCOUNT = """
fragment Disc on DiscountApplication {
  __typename index targetType
  ... on DiscountCodeApplication { code }
  ... on AutomaticDiscountApplication { title }
  ... on ManualDiscountApplication { title }
  ... on ScriptDiscountApplication { title }
}"""
_HEAD = """
fragment Head on Order {
  id legacyResourceId name number createdAt updatedAt processedAt cancelledAt cancelReason confirmed edited test note tags
  displayFinancialStatus displayFulfillmentStatus taxesIncluded dutiesIncluded currencyCode presentmentCurrencyCode
  paymentGatewayNames email phone sourceName poNumber
  totalPriceSet { ...Bag } currentTotalPriceSet { ...Bag } totalTaxSet { ...Bag } totalShippingPriceSet { ...Bag }
  totalDiscountsSet { ...Bag } totalTipReceivedSet { ...Bag } totalReceivedSet { ...Bag } totalRefundedSet { ...Bag }
  totalOutstandingSet { ...Bag } totalCashRoundingAdjustment { paymentSet { ...Bag } refundSet { ...Bag } }
  taxLines { ...Tax }
  additionalFees { id name price { ...Bag } taxLines { ...Tax } }
  billingAddress { ...Addr } shippingAddress { ...Addr }
  customer {
    id legacyResourceId firstName lastName displayName updatedAt defaultEmailAddress { emailAddress } defaultPhoneNumber { phoneNumber }
  }
}"""

# Lists without pages (transactions, refunds) are asked for up to a bound; one that comes back full is asked for again with the largest.
SOME, MOST = 20, 250

ORDER = Operation(
    "OrderById",
    """
query OrderById($id: ID!, $lines: Int!, $transactions: Int!, $refunds: Int!) {
  order(id: $id) {
    ...Head
    lineItems(first: $lines) { nodes { ...Line } pageInfo { hasNextPage endCursor } }
    shippingLines(first: 5) { nodes { ...Ship } pageInfo { hasNextPage endCursor } }
    discountApplications(first: 5) { nodes { ...Disc } pageInfo { hasNextPage endCursor } }
    transactions(first: $transactions) { ...Txn }
    refunds(first: $refunds) { id }
  }
}"""
    + _HEAD
    + _LINE
    + _SHIPPING
    + _DISCOUNT
    + _TRANSACTION
    + _ADDRESS
    + _TAX
    + _BAG,
    guess=100,
)
ORDER_LINES = Operation(
    "OrderLines",
    """
query OrderLines($id: ID!, $n: Int!, $after: String) {
  order(id: $id) { lineItems(first: $n, after: $after) { nodes { ...Line } pageInfo { hasNextPage endCursor } } }
}"""
    + _LINE
    + _TAX
    + _BAG,
    guess=60,
)
ORDER_SHIPPING = Operation(
    "OrderShipping",
    """
query OrderShipping($id: ID!, $n: Int!, $after: String) {
  order(id: $id) { shippingLines(first: $n, after: $after) { nodes { ...Ship } pageInfo { hasNextPage endCursor } } }
}"""
    + _SHIPPING
    + _TAX
    + _BAG,
)
ORDER_DISCOUNTS = Operation(
    "OrderDiscounts",
    """
query OrderDiscounts($id: ID!, $n: Int!, $after: String) {
  order(id: $id) { discountApplications(first: $n, after: $after) { nodes { ...Disc } pageInfo { hasNextPage endCursor } } }
}"""
    + _DISCOUNT,
)
REFUND = Operation(
    "RefundById",
    """
query RefundById($id: ID!, $n: Int!, $after: String, $several: Int!) {
  refund(id: $id) {
    id legacyResourceId createdAt processedAt note totalRefundedSet { ...Bag }
    duties { amountSet { ...Bag } originalDuty { id } }
    refundLineItems(first: $n, after: $after) {
      nodes { id quantity restockType subtotalSet { ...Bag } totalTaxSet { ...Bag } lineItem { id } }
      pageInfo { hasNextPage endCursor }
    }
    refundShippingLines(first: $several) { nodes { id subtotalAmountSet { ...Bag } taxAmountSet { ...Bag } shippingLine { id } } }
    orderAdjustments(first: $several) { nodes { id reason amountSet { ...Bag } taxAmountSet { ...Bag } } }
    transactions(first: $several) { nodes { ...Txn } }
  }
}"""
    + _TRANSACTION
    + _BAG,
    guess=60,
)
ORDERS_PAGE = Operation(
    "OrdersPage",
    """
query OrdersPage($filter: String!, $n: Int!, $after: String) {
  orders(first: $n, after: $after, query: $filter, sortKey: UPDATED_AT) {
    nodes { id legacyResourceId updatedAt }
    pageInfo { hasNextPage endCursor }
  }
}""",
    guess=30,
)
ORDERS_COUNT = Operation(
    "OrdersCount",
    """
query OrdersCount($filter: String!) { ordersCount(query: $filter, limit: null) { count precision } }""",
)
CUSTOMERS_PAGE = Operation(
    "CustomersPage",
    """
query CustomersPage($filter: String!, $n: Int!, $after: String) {
  customers(first: $n, after: $after, query: $filter, sortKey: UPDATED_AT) {
    nodes { id legacyResourceId updatedAt }
    pageInfo { hasNextPage endCursor }
  }
}""",
    guess=30,
)
CUSTOMER = Operation(
    "CustomerById",
    """
query CustomerById($id: ID!) {
  customerByIdentifier(identifier: { id: $id }) {
    id legacyResourceId createdAt updatedAt firstName lastName displayName note
    defaultEmailAddress { emailAddress } defaultPhoneNumber { phoneNumber } defaultAddress { ...Addr }
  }
}"""
    + _ADDRESS,
)
PRODUCTS_PAGE = Operation(
    "ProductsPage",
    """
query ProductsPage($filter: String!, $n: Int!, $after: String, $variants: Int!) {
  products(first: $n, after: $after, query: $filter, sortKey: UPDATED_AT) {
    nodes {
      id updatedAt
      variants(first: $variants) { nodes { id legacyResourceId } pageInfo { hasNextPage endCursor } }
    }
    pageInfo { hasNextPage endCursor }
  }
}""",
    guess=60,
)
PRODUCT_VARIANTS = Operation(
    "VariantsOfProduct",
    """
query VariantsOfProduct($filter: String!, $n: Int!, $after: String) {
  productVariants(first: $n, after: $after, query: $filter, sortKey: ID) {
    nodes { id legacyResourceId product { id } }
    pageInfo { hasNextPage endCursor }
  }
}""",
    guess=30,
)
VARIANT = Operation(
    "VariantById",
    """
query VariantById($ids: [ID!]!) {
  nodes(ids: $ids) {
    ... on ProductVariant {
      id legacyResourceId sku title price taxable barcode updatedAt
      product { id legacyResourceId title status isGiftCard updatedAt }
    }
  }
}""",
)
SHOP = Operation(
    "ShopInfo",
    """
query ShopInfo {
  shop {
    id name myshopifyDomain currencyCode enabledPresentmentCurrencies ianaTimezone taxesIncluded plan { publicDisplayName }
  }
  currentAppInstallation { accessScopes { handle } }
}""",
)
SUBSCRIPTIONS = Operation(
    "Subscriptions",
    """
query Subscriptions($n: Int!, $after: String) {
  webhookSubscriptions(first: $n, after: $after) { nodes { id topic uri updatedAt } pageInfo { hasNextPage endCursor } }
}""",
    guess=30,
)
SUBSCRIBE = Operation(
    "Subscribe",
    """
mutation Subscribe($topic: WebhookSubscriptionTopic!, $sub: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $sub) {
    webhookSubscription { id topic uri updatedAt }
    userErrors { field message }
  }
}""",
)
UNSUBSCRIBE = Operation(
    "Unsubscribe",
    """
mutation Unsubscribe($id: ID!) {
  webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId userErrors { field message } }
}""",
)
BULK_START = Operation(
    "StartExport",
    """
mutation StartExport($q: String!) {
  bulkOperationRunQuery(query: $q, groupObjects: false) { bulkOperation { id status } userErrors { field message code } }
}""",
)
BULK_STATUS = Operation(
    "ExportStatus",
    """
query ExportStatus($id: ID!) { bulkOperation(id: $id) { id status errorCode objectCount fileSize url } }""",
)
# What runs inside a bulk operation: %s is the filter as a GraphQL string. No `first`, no pages: Shopify walks by itself.
BULK_ORDERS = """
query { orders(query: %s, sortKey: UPDATED_AT) { edges { node { id legacyResourceId updatedAt } } } }"""

OPERATIONS = tuple(value for value in dict(vars()).values() if isinstance(value, Operation))
