from django.contrib import admin

from .models import Customer, Invoice

admin.site.register(Customer)


@admin.register(Invoice)
class InvoiceAdmin(admin.ModelAdmin):
    list_display = ["customer", "amount", "due", "paid"]
    list_filter = ["paid"]
    search_fields = ["customer__name", "note"]
