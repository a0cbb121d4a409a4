"""What the shop tells about itself: discovery, system status, settings, currencies, taxes, gateways."""

from __future__ import annotations

from decimal import Decimal

from connectors.kit.sandbox import Answer
from connectors.platforms.woocommerce.sandbox.currencies import CURRENCIES
from connectors.platforms.woocommerce.sandbox.lists import Rules, page_answer, parse_listing
from connectors.platforms.woocommerce.sandbox.model import Json, Rate
from connectors.platforms.woocommerce.sandbox.refund_making import GATEWAYS_THAT_REFUND
from connectors.platforms.woocommerce.sandbox.state import WC_VERSION, WP_VERSION, Shop
from connectors.platforms.woocommerce.sandbox.wire import Refusal, Request, encode, item_links, reply

GATEWAYS = {
    "bacs": "Direct bank transfer",
    "cheque": "Check payments",
    "cod": "Cash on delivery",
    "stripe": "Credit / Debit Card",
    "ppcp-gateway": "PayPal",
}
_READ_ONLY = ("GET",)
_VISIBILITY = ("exclude-from-catalog", "exclude-from-search", "featured", "outofstock", *(f"rated-{stars}" for stars in range(1, 6)))
_SETTABLE = ("GET", "POST", "PUT", "PATCH")


def discovery(shop: Shop) -> Answer:
    """/wp-json/ needs no key."""
    offset = shop.now().astimezone(shop.zone).utcoffset()
    hours = offset.total_seconds() / 3600 if offset else 0
    return reply(
        {
            "name": shop.switches.title,
            "description": "",
            "url": shop.home,
            "home": shop.home,
            "gmt_offset": int(hours) if hours == int(hours) else hours,
            "timezone_string": shop.switches.time_zone,
            "page_for_posts": 0,
            "page_on_front": 0,
            "show_on_front": "posts",
            "namespaces": ["oembed/1.0", "wc/v3", "wc/v1", "wc/v2", "wc-admin", "wc/store", "wc/store/v1", "wp/v2"],
            "authentication": {
                "application-passwords": {"endpoints": {"authorization": f"{shop.home}/wp-admin/authorize-application.php"}}
            },
            "site_logo": 0,
            "site_icon": 0,
            "site_icon_url": "",
            "_links": {"help": [{"href": "https://developer.wordpress.org/rest-api/"}]},
        }
    )


# ---- system status -----------------------------------------------------------------------------------------


def system_status(request: Request) -> Answer:
    shop = request.shop
    return reply(
        {
            "environment": _environment(shop),
            "database": {"wc_database_version": WC_VERSION, "database_prefix": "wp_"},
            "active_plugins": [],
            "inactive_plugins": [],
            "dropins_mu_plugins": {"dropins": [], "mu_plugins": []},
            "settings": _status_settings(shop),
            "security": {"secure_connection": shop.home.startswith("https://"), "hide_errors": True},
            "pages": [],
            "post_type_counts": [{"type": "product", "count": str(len(shop.products))}],
        }
    )


def _environment(shop: Shop) -> Json:
    flags = dict.fromkeys(("fsockopen_or_curl_enabled", "soapclient_enabled", "domdocument_enabled", "gzip_enabled",
                           "mbstring_enabled", "remote_post_successful", "remote_post_response", "remote_get_successful",
                           "remote_get_response"), True)  # fmt: skip
    return {
        "home_url": shop.home,
        "site_url": shop.home,
        "store_id": "5d1c7a52-6f0b-4b8e-9d6a-0f2f4be1c0de",
        "version": WC_VERSION,
        "log_directory": "/srv/shop/wp-content/uploads/wc-logs/",
        "log_directory_writable": True,
        "wp_version": WP_VERSION,
        "wp_multisite": False,
        "wp_memory_limit": 268435456,
        "wp_debug_mode": False,
        "wp_cron": True,
        "wp_environment_type": "production",
        "language": "en_US",
        "external_object_cache": None,
        "server_info": "Apache",
        "server_architecture": "Linux x86_64",
        "php_version": "8.2.0",
        "php_post_max_size": 8388608,
        "php_max_execution_time": 30,
        "php_max_input_vars": 1000,
        "curl_version": "8.0.0",
        "suhosin_installed": False,
        "max_upload_size": 2097152,
        "mysql_version": "10.11.0",
        "mysql_version_string": "10.11.0-MariaDB",
        "default_timezone": "UTC",
        **flags,
    }


def _status_settings(shop: Shop) -> Json:
    hpos = shop.switches.storage == "hpos"
    store = "Automattic\\WooCommerce\\Internal\\DataStores\\Orders\\OrdersTableDataStore" if hpos else "WC_Order_Data_Store_CPT"
    return {
        "api_enabled": False,
        "force_ssl": False,
        "currency": shop.switches.currency,
        "currency_symbol": CURRENCIES.get(shop.switches.currency, ("", shop.switches.currency))[1],
        "currency_position": "left",
        "thousand_separator": ",",
        "decimal_separator": ".",
        "number_of_decimals": shop.decimals,
        "geolocation_enabled": False,
        "taxonomies": {name: name for name in ("external", "grouped", "simple", "variable")},
        "product_visibility_terms": {name: name for name in _VISIBILITY},
        "woocommerce_com_connected": "no",
        "enforce_approved_download_dirs": True,
        "order_datastore": store,
        "HPOS_enabled": hpos,
        "HPOS_sync_enabled": False,
        "enabled_features": ["analytics", "order_attribution", *(["custom_order_tables"] if hpos else [])],
    }


# ---- settings ----------------------------------------------------------------------------------------------


def _settings(shop: Shop) -> dict[tuple[str, str], tuple[str, str, str, dict[str, str]]]:
    """(group, id) -> label, kind, value, options."""
    switches, yes_no = shop.switches, {"yes": "Yes", "no": "No"}
    currencies = {code: f"{name} ({sign}) \u2014 {code}" for code, (name, sign) in CURRENCIES.items()}
    return {
        ("general", "woocommerce_default_country"): ("Country / State", "select", f"{switches.country}:{switches.state}", {}),
        ("general", "woocommerce_calc_taxes"): ("Enable taxes", "checkbox", "yes", {}),
        ("general", "woocommerce_currency"): ("Currency", "select", switches.currency, currencies),
        ("general", "woocommerce_price_num_decimals"): ("Number of decimals", "number", str(shop.decimals), {}),
        ("tax", "woocommerce_prices_include_tax"): (
            "Prices entered with tax", "radio", "yes" if switches.prices_include_tax else "no", yes_no),
        ("tax", "woocommerce_tax_based_on"): (
            "Calculate tax based on", "select", "shipping", {"shipping": "Shipping", "billing": "Billing", "base": "Shop base"}),
        ("tax", "woocommerce_tax_round_at_subtotal"): (
            "Rounding", "checkbox", "yes" if switches.round_at_subtotal else "no", {}),
    }  # fmt: skip


def _setting_json(shop: Shop, group: str, name: str) -> Json:
    label, kind, value, options = _settings(shop)[group, name]
    shown: Json = {"id": name, "label": label, "description": "", "type": kind, "default": ""}
    if options:
        shown["options"] = options
    links = item_links(shop, f"/settings/{group}/{name}", _SETTABLE)
    return {**shown, "tip": "", "value": value, "group_id": group, "_links": links}


def list_groups(request: Request) -> Answer:
    labels = {"general": "General", "tax": "Tax"}
    return reply([
        {"id": group, "label": label, "description": "", "parent_id": "", "sub_groups": [],
         "_links": {"options": [{"href": f"{request.shop.api}/settings/{group}"}]}}
        for group, label in labels.items()
    ])  # fmt: skip


def list_settings(request: Request, group: str) -> Answer:
    found = [name for owner, name in _settings(request.shop) if owner == group]
    if not found:
        raise Refusal(404, "rest_setting_setting_group_invalid", "Invalid setting group.")
    return reply([_setting_json(request.shop, group, name) for name in found])


def get_setting(request: Request, group: str, name: str) -> Answer:
    if (group, name) not in _settings(request.shop):
        raise Refusal(404, "rest_setting_setting_invalid", "Invalid setting.")
    return reply(_setting_json(request.shop, group, name))


# ---- currencies, taxes, gateways ---------------------------------------------------------------------------


def _currency_json(shop: Shop, code: str) -> Json:
    name, sign = CURRENCIES.get(code, (code, code))
    return {"code": code, "name": name, "symbol": sign, "_links": item_links(shop, f"/data/currencies/{code}", _READ_ONLY)}


def list_currencies(request: Request) -> Answer:
    return reply([_currency_json(request.shop, code) for code in CURRENCIES])


def get_currency(request: Request, code: str) -> Answer:
    code = request.shop.switches.currency if code == "current" else code.upper()
    if code not in CURRENCIES:
        raise Refusal(404, "woocommerce_rest_data_invalid_currency", "There are no currencies matching these parameters.")
    return reply(_currency_json(request.shop, code))


def _rate_json(shop: Shop, rate: Rate) -> Json:
    return {
        "id": rate.id,
        "country": rate.country,
        "state": rate.state,
        "postcode": "",
        "city": "",
        "rate": f"{rate.percent.quantize(Decimal('0.0001')):f}",
        "name": rate.name,
        "priority": rate.priority,
        "compound": rate.compound,
        "shipping": rate.shipping,
        "order": 0,
        "class": rate.tax_class or "standard",
        "postcodes": [],
        "cities": [],
        "_links": item_links(shop, f"/taxes/{rate.id}"),
    }


def list_taxes(request: Request) -> Answer:
    shop, rules = request.shop, Rules(("id", "order", "priority"), "order", "asc")
    rates = {rate.id: rate for rate in shop.rates}
    return page_answer(request, parse_listing(request, rules), list(rates), lambda key: encode(_rate_json(shop, rates[key])))


def get_tax(request: Request, tax_id: int) -> Answer:
    for rate in request.shop.rates:
        if rate.id == tax_id:
            return reply(_rate_json(request.shop, rate))
    raise Refusal(404, "woocommerce_rest_invalid_id", "Invalid resource ID.")


def _gateway_json(shop: Shop, key: str) -> Json:
    return {
        "id": key,
        "title": GATEWAYS[key],
        "description": "",
        "order": "",
        "enabled": True,
        "method_title": GATEWAYS[key],
        "method_description": "",
        "method_supports": ["products", "refunds"] if key in GATEWAYS_THAT_REFUND else ["products"],
        "settings": {},
        "needs_setup": False,
        "post_install_scripts": [],
        "settings_url": f"{shop.home}/wp-admin/admin.php?page=wc-settings&tab=checkout&section={key}",
        "_links": item_links(shop, f"/payment_gateways/{key}", _SETTABLE),
    }


def list_gateways(request: Request) -> Answer:
    found = [_gateway_json(request.shop, key) for key in GATEWAYS]
    return reply(found, headers={"X-WP-Total": str(len(found)), "X-WP-TotalPages": "1"})


def get_gateway(request: Request, key: str) -> Answer:
    if key not in GATEWAYS:
        raise Refusal(404, "woocommerce_rest_payment_gateway_invalid", "Resource does not exist.")
    return reply(_gateway_json(request.shop, key))
